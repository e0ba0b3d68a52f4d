#!/bin/sh
# Runs the tests that need no server on other Node versions, after `npm run build`:
#   sh tools/test-node-versions.sh 20 26      without arguments: every supported version
# The binaries come from the npm package `node` and are cached in ~/.cache/kflow. The version that runs npm is skipped.
set -eu
cd "$(dirname "$0")/.."
cache=${KFLOW_CACHE:-$HOME/.cache/kflow}

release_of() {
  case $1 in
    20) echo 20.20.2 ;;
    22) echo 22.23.3 ;;
    24) echo 24.21.0 ;;
    26) echo 26.10.0 ;;
    *) echo "test-node-versions: Node $1 is not supported; use 20, 22, 24 or 26" >&2; exit 64 ;;
  esac
}

[ $# -gt 0 ] || set -- 20 22 24 26
own=$(node -p 'process.versions.node.split(".")[0]')
for line in "$@"; do
  release=$(release_of "$line")
  [ "$line" = "$own" ] && continue
  folder=$cache/node-$release
  bin=$folder/node_modules/node/bin
  if [ "$("$bin/node" -v 2>/dev/null || true)" != "v$release" ]; then
    npm install --prefix "$folder" --no-audit --no-fund --silent "node@$release"
  fi
  echo "Node $release"
  PATH=$bin:$PATH npm ci --dry-run --engine-strict --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
  PATH=$bin:$PATH node node_modules/jest/bin/jest.js test/unit test/golden test/replay
done
