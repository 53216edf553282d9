#!/usr/bin/env bash
# Wait: for a tracker to accept calls, in a download for somebody who shares, and in a share for as many copies as wanted.
source "$(dirname "$0")/session.sh"

start tracker --store memory --listen 127.0.0.1:0
tracker="$(event_of listening <&"$events" | jq --raw-output .endpoint)"

# The same content has the same id wherever it is shared, so it can be waited for before it is there.
file="$(sample_file model.bin 3)"
start share "$file" --tracker "$tracker" --listen 127.0.0.1:0
id="$(event_of sharing <&"$events" | jq --raw-output .contentId)"
kill -TERM "$pid"
must_end_with 0 "$pid"

downloads=()
for n in 1 2; do
  start download "$id" --tracker "$tracker" --output "$scratch/out$n" --listen 127.0.0.1:0
  downloads+=("$pid")
  waiting="$(event_of waiting <&"$events")"
  must_be "what download $n waits for" "$(jq --raw-output .waitingFor <<<"$waiting")" manifest
done

start share "$file" --tracker "$tracker" --listen 127.0.0.1:0 --until-copies 2
sharer=$pid
copies=0
while [ "$copies" -lt 2 ]; do copies="$(event_of copied <&"$events" | jq .copies)"; done
must_end_with 0 "$sharer"

for n in 1 2; do
  must_end_with 0 "${downloads[n - 1]}"
  cmp "$file" "$scratch/out$n/model.bin"
done
