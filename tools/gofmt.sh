#!/bin/sh
# Says which files gofmt would write differently, and fails if there are any.
set -eu
cd "$(dirname "$0")/.."
echo gofmt -l .
found=$(gofmt -l .)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
