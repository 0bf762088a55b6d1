#!/bin/sh
# What the workload costs as it grows, on both engines, as Markdown on standard
# output: requests per second, latency, and CPU time per request of the server
# and of PostgreSQL. Everything stays on loopback; some four minutes. Needs wrk
# and PostgreSQL's programs (Debian: apt-get install wrk postgresql).
set -eu
cd "$(dirname "$0")/../.."
seconds=${SECONDS_EACH:-3}
port=${PORT:-27121}
. bench/w1/lib.sh

start() { # engine slots
  case $1 in
  sqlite) rm -f "$work"/w1.db*; set -- "$2" -path "$work/w1.db" ;;
  *) set -- "$2" -url "postgres://w1_app@127.0.0.1:$pgport/w1" -owner-url "postgres://w1_owner@127.0.0.1:$pgport/w1" ;;
  esac
  slots=$1
  shift
  "$work/w1" -listen "127.0.0.1:$port" -secret "$secret" -record "$work/record.log" -slots "$slots" "$@" &
  server=$!
  answers "$port"
}

measure() { # engine slots connections method
  load "$4" "$2" "$3" "$seconds" "$port" | awk -v e="$1" -v s="$2" -v c="$3" -v m="$4" -v hz="$hz" '{
    db = e == "sqlite" ? "-" : sprintf("%.3f", $8 * 1000 / hz / $2)
    printf "| %s | %s | %d | %d | %d | %.2f | %.2f | %.3f | %s |%s\n", m, e, s, c, $2 * 1e6 / $3, $4 / 1000, $5 / 1000, $7 * 1000 / hz / $2, db, $6 ? " " $6 " failed" : "" }'
}

echo "| request | engine | appointments | connections | req/s | p50 ms | p99 ms | CPU ms | CPU ms of PostgreSQL |"
echo "| --- | --- | --: | --: | --: | --: | --: | --: | --: |"
for engine in sqlite postgres; do
  for slots in 10 1000 100000; do
    start "$engine" "$slots"
    connections=64
    [ "$slots" != 1000 ] || connections="1 8 64 256 1000"
    for c in $connections; do
      measure "$engine" "$slots" "$c" GET
      measure "$engine" "$slots" "$c" PUT
    done
    stop
  done
done
