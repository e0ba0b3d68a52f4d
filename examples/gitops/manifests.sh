#!/bin/sh
# ./manifests.sh synth    writes the manifests of every environment; commit them
# ./manifests.sh plan     says what differs from the committed ones; exit status 2 if anything does
set -eu
cd "$(dirname "$0")"

# every flow, in the namespace of one environment; the rest overrides fields of the flows there
environment() {
  name=$1
  shift
  case $command in
    synth)
      account=$(kflow nack-account --namespace "texts-$name" --nats-url "$nats" --nats-secret nats)
      printf '%s\n' "$account" >"namespaces/$name/nats-account.yaml"
      set -- --output "manifests/$name" "$@"
      ;;
    plan) set -- --against "manifests/$name" "$@" ;;
  esac
  kflow "$command" flows/*.yaml --set "namespace=texts-$name" --strict-secrets \
    --image registry.example.org/texts/kflow:1.0.0 --image-pull-secret registry \
    --nats-url "$nats" --nats-secret nats --nack-account nats "$@" || {
    code=$?
    [ "$code" -eq 2 ] || exit "$code" # an error, which changes of another environment must not hide
    status=2
  }
}

command=${1:?synth or plan}
nats=nats://nats.nats.svc:4222
status=0
environment dev --set dag.list.topics=s3a://texts-dev --set dag.results.topics=s3a://counts-dev \
  --set globalConfig.stream.replicas=1 --set globalConfig.stream.onDelete=delete --set dag.count.parallelism=1
environment prod
exit "$status"
