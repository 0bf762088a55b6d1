#!/bin/sh
# Runs every fuzz target of the project for the time given: fuzz.sh 30s
set -eu
cd "$(dirname "$0")/.."

ran=0
for file in $(grep -rlE '^func Fuzz[A-Za-z0-9_]*\(' --include='*_test.go' . | sort); do
	for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$file"); do
		echo "$file $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "./$(dirname "$file")"
		ran=$((ran + 1))
	done
done
[ "$ran" -gt 0 ] || { echo "There is no fuzz target: the search is broken." >&2; exit 1; }
echo "$ran fuzz targets, $1 each"
