#!/bin/sh
# Installs the Debian packages that the tests use and this machine lacks.
# Without root and apt it says which, and fails.
set -eu
cd "$(dirname "$0")/.."

missing=''
need() { missing="$missing $*"; }
used() { grep -rqsF --include='*_test.go' --include='storetest*.go' "$1" .; }
has() { command -v "$1" >/dev/null 2>&1; }

has gcc || need gcc libc6-dev # the race detector
has curl || need curl         # the commands of the README and of the tour
has jq || need jq             # those of the pages on how to do what
has openssl || need openssl   # the same
if used internal/storetest; then
	has initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need postgresql
fi
if used github.com/chromedp/chromedp; then
	has chromium || has chromium-browser || has google-chrome || need chromium
fi
if used '"strace"'; then
	has strace || need strace
fi
if used '"sslscan"'; then
	has sslscan || need sslscan
fi
if used '"testssl"'; then
	has testssl || need testssl.sh
fi
if used redis-server; then
	has redis-server || need redis-server
fi
if [ "${1:-}" = peers ]; then # make peers alone asks for them
	has node || need nodejs
	has npm || need npm
fi
[ -n "$missing" ] || exit 0

root=''
if [ "$(id -u)" -ne 0 ]; then
	if has sudo && sudo -n true 2>/dev/null; then root='sudo -n'; fi
fi
if ! has apt-get || { [ "$(id -u)" -ne 0 ] && [ -z "$root" ]; }; then
	echo "The tests need these Debian packages, and this user may not install them. Run:" >&2
	echo "  sudo apt-get install --no-install-recommends$missing" >&2
	exit 1
fi
echo "Installing$missing"
export DEBIAN_FRONTEND=noninteractive
$root apt-get update -q
$root apt-get install -q -y --no-install-recommends $missing
