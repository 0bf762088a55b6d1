#!/bin/sh
# What the workload costs as it grows, on both engines, as Markdown on standard
# output: requests per second, latency, and CPU time per request of the server
# and of PostgreSQL. Everything stays on loopback; some four minutes. Needs wrk
# and PostgreSQL's programs (Debian: apt-get install wrk postgresql).
set -eu
cd "$(dirname "$0")/../.."
seconds=${SECONDS_EACH:-3}
port=${PORT:-27121}
pgport=${PGPORT:-27432}
work=$(mktemp -d)
secret=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
server=
pg=
cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -z "$pg" ] || kill -INT "$pg" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT INT TERM

go build -o "$work/w1" ./bench/w1
token=$("$work/w1" -secret "$secret" -token)

# PostgreSQL as it comes: fsync and synchronous_commit are on. It does not run as root.
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1 || true)
unprivileged() { # runs a program as another user when this one is root
  if [ "$(id -u)" = 0 ]; then set -- setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; fi
  cd /
  exec "$@"
}
mkdir "$work/pg"
[ "$(id -u)" != 0 ] || { chmod 711 "$work"; chown postgres "$work/pg"; }
(unprivileged "$bin/initdb" -D "$work/pg" -U bench --auth=trust -E UTF8 >/dev/null)
(unprivileged "$bin/postgres" -D "$work/pg" -p "$pgport" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c shared_buffers=256MB >"$work/pg.log" 2>&1) &
pg=$!
until psql -q -h 127.0.0.1 -p "$pgport" -U bench postgres -c 'select 1' >/dev/null 2>&1; do sleep 0.2; done
psql -q -h 127.0.0.1 -p "$pgport" -U bench postgres -c 'create role w1_owner login' -c 'create role w1_app login' -c 'create database w1 owner w1_owner'

# ticks PID...: CPU time of processes, in ticks.
ticks() { cat "$@" 2>/dev/null | awk '{ s += $14 + $15 } END { print s + 0 }'; }
pgticks() { ticks "/proc/$pg/stat" $(ps -o pid= --ppid "$pg" | sed 's,^ *\(.*\),/proc/\1/stat,'); }
hz=$(getconf CLK_TCK)

start() { # engine slots
  case $1 in
  sqlite) rm -f "$work"/w1.db*; set -- "$2" -path "$work/w1.db" ;;
  *) set -- "$2" -url "postgres://w1_app@127.0.0.1:$pgport/w1" -owner-url "postgres://w1_owner@127.0.0.1:$pgport/w1" ;;
  esac
  slots=$1
  shift
  "$work/w1" -listen "127.0.0.1:$port" -secret "$secret" -record "$work/record.log" -slots "$slots" "$@" &
  server=$!
  until curl -fso /dev/null "http://127.0.0.1:$port/health"; do sleep 0.1; done
}
stop() { kill "$server"; wait "$server" || true; server=; }

measure() { # engine slots connections method
  METHOD=$4 TOKEN=$token SLOTS=$2 wrk -t1 -c"$3" -d1s -s bench/w1/load.lua "http://127.0.0.1:$port" >/dev/null
  own=$(ticks "/proc/$server/stat") theirs=$(pgticks)
  line=$(METHOD=$4 TOKEN=$token SLOTS=$2 wrk -t1 -c"$3" -d"${seconds}s" --timeout 10s -s bench/w1/load.lua "http://127.0.0.1:$port" | grep ^DONE)
  own=$(($(ticks "/proc/$server/stat") - own)) theirs=$(($(pgticks) - theirs))
  echo "$line" | awk -v e="$1" -v s="$2" -v c="$3" -v m="$4" -v own="$own" -v theirs="$theirs" -v hz="$hz" '{
    db = e == "sqlite" ? "-" : sprintf("%.3f", theirs * 1000 / hz / $2)
    printf "| %s | %s | %d | %d | %d | %.2f | %.2f | %.3f | %s |%s\n", m, e, s, c, $2 * 1e6 / $3, $4 / 1000, $5 / 1000, own * 1000 / hz / $2, db, $6 ? " " $6 " failed" : "" }'
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
