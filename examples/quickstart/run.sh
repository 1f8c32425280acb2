#!/usr/bin/env bash
# From nothing to one answer over two replicas: two Prometheus, a sidecar beside each, a bucket in a directory, a store
# gateway over it and a querier. Needs a build (npm ci && npm run build), a prometheus program on the PATH or in
# $PROMETHEUS, and curl. Another build of tributary can be named in $TRIBUTARY_MAIN. Ctrl-C stops everything.
#
#   examples/quickstart/run.sh [directory] [first of ten free ports]
set -euo pipefail
# A process group for each program: Ctrl-C reaches this script only, which then stops them one after the other.
set -m

root=$(cd "$(dirname "$0")/../.." && pwd)
data=${1:-$root/data/quickstart}
port=${2:-19090}
prometheus=${PROMETHEUS:-prometheus}
main=${TRIBUTARY_MAIN:-$root/dist/cmd/main.js}

mkdir -p "$data/bucket"
data=$(cd "$data" && pwd)
pids=()

stop() {
  trap - EXIT
  # In the reverse order of starting: who asks goes before who is asked.
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill "${pids[i]}" 2>/dev/null || true
    wait "${pids[i]}" 2>/dev/null || true
  done
}
trap stop EXIT
trap 'exit 0' INT TERM

# run <name> <HTTP port> <program> [arguments]: starts it, with its output in a file, and waits until it is ready.
run() {
  local name=$1 at=$2
  shift 2
  "$@" >"$data/$name.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 300); do
    if curl -fs -o /dev/null "http://127.0.0.1:$at/-/ready"; then
      echo "$name is ready: http://127.0.0.1:$at"
      return
    fi
    kill -0 "${pids[-1]}" 2>/dev/null || break
    sleep 0.2
  done
  echo "$name did not become ready, its last words:" >&2
  tail -n 5 "$data/$name.log" >&2
  exit 1
}

tributary() {
  local name=$1 command=$2 http=$3 grpc=$4
  shift 4
  run "$name" "$http" node "$main" "$command" \
    --http-address="127.0.0.1:$http" --grpc-address="127.0.0.1:$grpc" "$@"
}

cat >"$data/bucket.yaml" <<YAML
type: FILESYSTEM
config:
  directory: $data/bucket
YAML

i=0
for replica in a b; do
  # What makes two replicas of one thing: the same labels but for one, the replica label.
  cat >"$data/prometheus-$replica.yaml" <<YAML
global:
  scrape_interval: 5s
  external_labels:
    cluster: quickstart
    replica: $replica
scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: ["127.0.0.1:$port", "127.0.0.1:$((port + 1))"]
YAML
  # Blocks of a minute, so that the first upload is seen soon. Use 2h for both in earnest.
  run "prometheus-$replica" $((port + i)) "$prometheus" \
    --config.file="$data/prometheus-$replica.yaml" \
    --storage.tsdb.path="$data/prometheus-$replica" \
    --storage.tsdb.min-block-duration=1m \
    --storage.tsdb.max-block-duration=1m \
    --web.listen-address="127.0.0.1:$((port + i))"
  tributary "sidecar-$replica" sidecar $((port + 2 + i)) $((port + 4 + i)) \
    --prometheus.url="http://127.0.0.1:$((port + i))" \
    --tsdb.path="$data/prometheus-$replica" \
    --objstore.config-file="$data/bucket.yaml"
  i=$((i + 1))
done

tributary store store $((port + 6)) $((port + 7)) \
  --objstore.config-file="$data/bucket.yaml" \
  --data-dir="$data/store" \
  --sync-block-duration=15s

tributary query query $((port + 8)) $((port + 9)) \
  --endpoint="127.0.0.1:$((port + 4))" \
  --endpoint="127.0.0.1:$((port + 5))" \
  --endpoint="127.0.0.1:$((port + 7))" \
  --query.replica-label=replica

api=http://127.0.0.1:$((port + 8))/api/v1
cat <<TEXT

One answer over both replicas, and the same without de-duplication:
  curl '$api/query' --data-urlencode 'query=up'
  curl '$api/query' --data-urlencode 'query=up' --data 'dedup=false'
Who was asked:
  curl '$api/stores'
What has been uploaded, a few minutes from now:
  node $main tools bucket ls --objstore.config-file=$data/bucket.yaml
Logs and data are in $data. Ctrl-C stops everything.
TEXT

wait
