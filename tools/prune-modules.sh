#!/bin/sh
# Removes files for other platforms, type declarations and source maps from a node_modules folder; less than half of 411 MB remain.
set -eu
modules=${1:?usage: prune-modules.sh NODE_MODULES}
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=x86_64-unknown-linux-gnu ;;
  Linux-aarch64) platform=aarch64-unknown-linux-gnu ;;
  *) echo "prune-modules: no native Temporal library for $(uname -s)-$(uname -m)" >&2; exit 1 ;;
esac
bridge="$modules/@temporalio/core-bridge"
test -d "$bridge/releases/$platform" || { echo "prune-modules: $bridge has no $platform" >&2; exit 1; }
for other in "$bridge"/releases/*; do
  test "$other" = "$bridge/releases/$platform" || rm -r "$other"
done
# sources of the native library
rm -rf "$bridge/sdk-core" "$bridge/src" "$bridge/bridge-macros"
find "$modules" -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.md' \) -delete
