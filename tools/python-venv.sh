#!/bin/sh
# Makes the Python that has the packages of the tests: numpy and pandas, whose values functions return, and fastavro, with
# which `npm run fuzz` compares the codecs. In ~/.cache/kflow/python-venv; does nothing when it is there.
set -eu
packages="fastavro==1.13.1 numpy==2.4.6 pandas==3.1.1"
venv="$HOME/.cache/kflow/python-venv"
[ "$(cat "$venv/packages" 2>/dev/null)" = "$packages" ] && exit 0
rm -rf "$venv"
python3 -m venv "$venv"
# shellcheck disable=SC2086
"$venv/bin/pip" install --quiet $packages
echo "$packages" > "$venv/packages"
