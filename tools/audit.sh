#!/bin/sh
# Runs govulncheck: audit.sh COMMAND..., where COMMAND runs a tool of tools/go.mod.
# GATEHOUSE_VULNDB names another database than https://vuln.go.dev, as a URL.
# Fails when our code reaches a known vulnerability, and when it cannot tell.
set -eu
cd "$(dirname "$0")/.."
db=${GATEHOUSE_VULNDB:-https://vuln.go.dev}

nothing_checked() {
	echo "Nothing was checked. If the database could not be reached, bring a copy of it and name the copy:" >&2
	echo "  curl -O https://vuln.go.dev/vulndb.zip && unzip -d vulndb vulndb.zip" >&2
	echo "  GATEHOUSE_VULNDB=file://\$PWD/vulndb make audit" >&2
}

echo "govulncheck, database $db"
case $db in
file://*)
	# govulncheck takes an empty folder for a database without vulnerabilities
	index=${db#file://}/index
	if ! grep -qs '"path"' "$index/modules.json" || ! grep -qs '"modified"' "$index/db.json"; then
		echo "There is no database in ${db#file://}." >&2
		nothing_checked
		exit 1
	fi
	echo "dated $(sed -n 's/.*"modified":"\([^"]*\)".*/\1/p' "$index/db.json")"
	;;
esac

code=0
"$@" govulncheck -db "$db" ./... || code=$?
case $code in
0) ;;
3) echo "A known vulnerability is reached: update the module, or do without it." >&2 ;;
*) nothing_checked ;;
esac
exit $code
