#!/bin/sh
# Makes the folder that the image has at /opt/kflow, without Docker, and tries what the image is for. Needs `npm run build`
# and the npm registry. Prints its size.
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
said=$($kflow controller 2>&1) || status=$?
echo "$said" | grep -q 'nats.url: is missing' || { echo "check-image: kflow controller said: $said" >&2; exit 1; }
test "$status" -eq 78 || { echo "check-image: kflow controller ended with $status, want 78" >&2; exit 1; }
status=0
node "$image/dist/js/runtime/replica/main.js" >/dev/null || status=$?
test "$status" -eq 78 || { echo "check-image: the runtime without settings ended with $status, want 78" >&2; exit 1; }
node -e "require('$image/node_modules/@temporalio/core-bridge')"
echo "the image's own files: $(du -sm "$image" | cut -f1) MB, of which node_modules $(du -sm "$image/node_modules" | cut -f1) MB"
