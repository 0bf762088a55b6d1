#!/bin/sh
# The workload beside the same application in Express and in Fastify, as Markdown
# on standard output: medians over some rounds, each of which visits the three
# servers in turn, every other one backwards. Two and a half minutes. Everything
# stays on loopback. Needs wrk, PostgreSQL's programs and Node.js 20 with npm
# (Debian: apt-get install wrk postgresql nodejs npm).
set -eu
cd "$(dirname "$0")/../.."
seconds=${SECONDS_EACH:-4}
rounds=${ROUNDS:-3}
connections=${CONNECTIONS:-64}
port=${PORT:-27121}
. bench/w1/lib.sh

mkdir "$work/peers"
cp bench/w1/peers/* "$work/peers"
(cd "$work/peers" && npm ci --silent --no-audit --no-fund)
sql postgres -c 'create database peers'

start() { # name
  case $1 in
  gatehouse)
    "$work/w1" -listen "127.0.0.1:$port" -secret "$secret" -record "$work/$1.log" \
      -url "postgres://w1_app@127.0.0.1:$pgport/w1" -owner-url "postgres://w1_owner@127.0.0.1:$pgport/w1" &
    ;;
  *)
    sql peers -f bench/w1/peers/schema.sql 2>/dev/null
    (cd "$work/peers" && PORT=$port JWT_SECRET=$secret LOG="$work/$1.log" DATABASE_URL="postgres://bench@127.0.0.1:$pgport/peers" \
      NODE_ENV=production exec node "$1.mjs") &
    ;;
  esac
  server=$!
  answers "$port"
}

for round in $(seq "$rounds"); do
  order='express fastify gatehouse'
  [ $((round % 2)) = 1 ] || order='gatehouse fastify express'
  for name in $order; do
    start "$name"
    for method in GET PUT; do
      echo "$method $name $(load "$method" 1000 "$connections" "$seconds" "$port")"
    done
    stop
  done
done >"$work/rows"

echo "| request | server | req/s | p50 ms | p99 ms | CPU ms | CPU ms of PostgreSQL | CPU of Express's |"
echo "| --- | --- | --: | --: | --: | --: | --: | --: |"
awk -v hz="$hz" '
  function median(list, n,   i, j, t) {
    for (i = 2; i <= n; i++) for (j = i; j > 1 && list[j-1] > list[j]; j--) { t = list[j]; list[j] = list[j-1]; list[j-1] = t }
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
  }
  function over(what, key,   i, list) { for (i = 1; i <= n[key]; i++) list[i] = v[what, key, i]; return median(list, n[key]) }
  { key = $1 " " $2; i = ++n[key]; failed[key] += $8
    v["rate", key, i] = $4 * 1e6 / $5; v["p50", key, i] = $6 / 1000; v["p99", key, i] = $7 / 1000
    v["cpu", key, i] = $9 * 1000 / hz / $4; v["pg", key, i] = $10 * 1000 / hz / $4 }
  END {
    split("GET PUT", methods); split("express fastify gatehouse", names)
    for (m = 1; m <= 2; m++) for (s = 1; s <= 3; s++) {
      key = methods[m] " " names[s]
      printf "| %s | %s | %d | %.2f | %.2f | %.3f | %.3f | %.2f |%s\n", methods[m], names[s], over("rate", key), over("p50", key), over("p99", key),
        over("cpu", key), over("pg", key), over("cpu", key) / over("cpu", methods[m] " express"), failed[key] ? " " failed[key] " failed" : ""
    }
  }' "$work/rows"
