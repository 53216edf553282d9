#!/usr/bin/env bash
# A download that was killed: what is left of it, going on with it, and giving one up.
source "$(dirname "$0")/session.sh"

file="$(sample_file checkpoint.bin 24)"
start share "$file" --listen 127.0.0.1:0
ticket="$(event_of sharing <&"$events" | jq --raw-output .ticket)"
out="$scratch/out"

# kill_half_way: begins the download, and kills it when it has a part.
kill_half_way() {
  start download "$ticket" --output "$out" --listen 127.0.0.1:0 --download-limit 8MiB/s
  local bytes=0
  while [ "$bytes" -lt $((4 * 1024 * 1024)) ]; do
    bytes="$(event_of progress <&"$events" | jq --raw-output .bytesDone)"
  done
  kill -KILL "$pid"
  must_end_with 137 "$pid"
}

# resumable: how many downloads were begun there, and the states of them.
resumable() {
  goshare status --output "$out" --json | jq --slurp --raw-output '[.[].resumable // empty | .state] | "\(length) \(.[])"'
}

kill_half_way
must_be "what status finds" "$(resumable)" "1 interrupted"

goshare resume checkpoint.bin --output "$out" --listen 127.0.0.1:0 --json >"$scratch/lines"
# What a killed process left is verified before it counts, and so is not in .downloading.resumedBytes.
must_be "what it has at its end" \
  "$(jq --slurp --raw-output '[.[].progress // empty] | last.bytesDone' "$scratch/lines")" "$(stat --format %s "$file")"
received="$(tail -n 1 "$scratch/lines" | jq '.done.bytesReceived | tonumber')"
test "$received" -lt "$(stat --format %s "$file")"
cmp "$file" "$out/checkpoint.bin"

rm "$out/checkpoint.bin"
kill_half_way
goshare discard checkpoint.bin --output "$out" --json | tail -n 1 | jq --exit-status 'has("done")' >/dev/null
must_be "what is left of what was given up" "$(find "$out" -mindepth 1 | wc -l)" 0
