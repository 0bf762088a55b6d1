# What run.sh and compare.sh share: PostgreSQL for the time of the run, and what
# processes cost. To be sourced with set -eu from the root of the project.
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
sql() { psql -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$pgport" -U bench "$@"; }
until sql postgres -c 'select 1' >/dev/null 2>&1; do sleep 0.2; done
sql postgres -c 'create role w1_owner login' -c 'create role w1_app login' -c 'create database w1 owner w1_owner'

# ticks FILE...: CPU time of processes, from their /proc/PID/stat, in ticks.
ticks() { cat "$@" 2>/dev/null | awk '{ s += $14 + $15 } END { print s + 0 }'; }
# Of PostgreSQL also those that have ended, which its first process keeps account of.
pgticks() {
  cat "/proc/$pg/stat" $(ps -o pid= --ppid "$pg" | sed 's,^ *\(.*\),/proc/\1/stat,') 2>/dev/null |
    awk -v pg="$pg" '{ s += $14 + $15 } $1 == pg { s += $16 + $17 } END { print s + 0 }'
}
hz=$(getconf CLK_TCK)

answers() { # waits for the server at a port
  until curl -fso /dev/null "http://127.0.0.1:$1/health"; do
    kill -0 "$server" || exit 1
    sleep 0.1
  done
}
stop() { kill "$server"; { wait "$server" || true; } 2>/dev/null; server=; }

# load METHOD SLOTS CONNECTIONS SECONDS PORT: requests, microseconds, p50, p99
# (microseconds) and failures, then the ticks of the server and of PostgreSQL.
load() {
  METHOD=$1 TOKEN=$token SLOTS=$2 wrk -t1 -c"$3" -d2s -s bench/w1/load.lua "http://127.0.0.1:$5" >/dev/null
  own=$(ticks "/proc/$server/stat") theirs=$(pgticks)
  line=$(METHOD=$1 TOKEN=$token SLOTS=$2 wrk -t1 -c"$3" -d"$4s" --timeout 10s -s bench/w1/load.lua "http://127.0.0.1:$5" | grep ^DONE)
  echo "$line $(($(ticks "/proc/$server/stat") - own)) $(($(pgticks) - theirs))"
}
