#!/usr/bin/env bash
# The life of a flow on a controller of this machine: every command is shown and run. Needs `npm run build`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
rm -rf results

kflow() { node "$here/../../dist/js/runtime/cli/main.js" "$@"; }
step() { printf '\n# %s\n' "$1"; }
run() {
  local word
  printf '$'
  for word in "$@"; do
    case $word in *' '*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac
  done
  echo
  "$@"
}
ends() { # a command that is to end with this status
  local status=$1 got=0
  shift
  run "$@" || got=$?
  [ "$got" = "$status" ] || { echo "it ended with $got, not $status" >&2; exit 1; }
}

# an update that does not get ready goes back after two minutes; nobody wants to wait for that here
export KFLOW_CONTROLLER_TIMES_READY_SECONDS=5
step 'nats-server, Temporal, an S3 server and a controller'
run kflow up --detach
trap 'kflow down --remove-data --yes' EXIT

step 'a flow starts, and is healthy when every replica is ready'
run kflow submit readings.yaml --wait
run kflow status readings

step 'one function gets another setting, by an update with a reason; then more replicas'
run kflow update readings.yaml --set dag.convert.meta.unit=fahrenheit --comment 'for the office abroad' --wait
ends 2 kflow diff readings
run kflow scale readings convert=2 --wait

step 'an update that does not work is taken back by itself'
ends 1 kflow update readings.yaml --set dag.convert.meta.unit=kelvin --wait
run kflow history readings

step 'a pause waits for the records in flight, then stops all replicas; nothing is lost'
run kflow pause readings --wait
run kflow resume readings --wait

step 'a replay makes a function re-read its input stream'
run kflow replay readings --function results --from first --wait

step 'a stopped flow keeps its streams, and a submit resumes it'
run kflow stop readings --wait
run kflow submit readings.yaml --wait

step 'who did what, and what came of it'
run kflow events readings

step 'the flow goes with its streams and documents; what it wrote into the bucket stays'
run kflow delete readings --yes --wait
run kflow bucket get readings results
first=$(find results -type f | sort | sed -n 1p)
echo "$(find results -type f | wc -l | tr -d ' ') readings in examples/controller/results, the first of them: $(cat "$first")"
step 'and the end'
