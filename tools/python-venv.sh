#!/bin/sh
# Makes the Python that has the packages of the tests: numpy and pandas, whose values functions return, fastavro, with which
# `npm run fuzz` compares the codecs, those that kfbasicpy.tasks works with, and Flask, to which a registry of tasks is added.
# In ~/.cache/kflow/python-venv; does nothing when it is there.
set -eu
packages="fastavro==1.13.1 numpy==2.4.6 pandas==3.1.1 nats-py[nkeys]==2.16.0 PyNaCl==1.6.2 prometheus-client==0.26.0 opentelemetry-sdk==1.45.2 Flask==3.1.3"
venv="$HOME/.cache/kflow/python-venv"
[ "$(cat "$venv/packages" 2>/dev/null)" = "$packages" ] && exit 0
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
# shellcheck disable=SC2086
"$venv/bin/pip" install --quiet $packages
echo "$packages" > "$venv/packages"
