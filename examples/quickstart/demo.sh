#!/usr/bin/env bash
# The main job: real files through a flow of four functions on servers of this machine. Run it by `npm run demo`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
results="$here/results"
rm -rf "$results"
node "$here/../../dist/js/runtime/cli/main.js" run "$here/topology.yaml" \
  --bucket "texts=$here/texts" --save "results=$results" "$@"
first=$(find "$results" -type f | sort | head -n 1)
echo
echo "$(find "$results" -type f | wc -l | tr -d ' ') results in examples/quickstart/results, the first of them:"
echo "$(basename "$first"): $(cat "$first")"
