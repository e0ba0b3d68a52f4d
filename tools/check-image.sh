#!/bin/sh
# Builds the content of /opt/kflow in the image without Docker, runs the CLI, the controller and the runtime from it, and
# prints its size. Needs `npm run build` and the npm registry.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
image=$(mktemp -d)
trap 'rm -rf "$image"' EXIT
cp "$root/package.json" "$root/package-lock.json" "$root/LICENSE" "$image"
(cd "$image" && npm ci --omit=dev --no-audit --no-fund --silent)
sh "$root/tools/prune-modules.sh" "$image/node_modules"
mkdir -p "$image/dist" "$image/sdk/python"
cp -r "$root/dist/js" "$image/dist/js"
cp -r "$root/sdk/python/kfbasicpy" "$image/sdk/python/kfbasicpy"
rm -rf "$image/dist/js/bench" "$image/dist/js/.tsbuildinfo"
chmod -R a-w "$image"
trap 'chmod -R u+w "$image"; rm -rf "$image"' EXIT
cd /
kflow="node $image/dist/js/runtime/cli/main.js"
$kflow lint "$root/test/fixtures/topologies/basic-pipeline.yaml"
$kflow controller --help >/dev/null
status=0
output=$($kflow controller 2>&1) || status=$?
echo "$output" | grep -q 'nats.url: missing' || { echo "check-image: unexpected output of kflow controller: $output" >&2; exit 1; }
test "$status" -eq 78 || { echo "check-image: kflow controller exited with $status, want 78" >&2; exit 1; }
status=0
node "$image/dist/js/runtime/replica/main.js" >/dev/null || status=$?
test "$status" -eq 78 || { echo "check-image: the runtime without settings exited with $status, want 78" >&2; exit 1; }
node -e "require('$image/node_modules/@temporalio/core-bridge')"
echo "size without the base image: $(du -sm "$image" | cut -f1) MB, of which node_modules $(du -sm "$image/node_modules" | cut -f1) MB"
