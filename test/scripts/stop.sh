#!/usr/bin/env bash
# Stop: what serves ends well when it is told to, and a download says that it was interrupted and can go on.
source "$(dirname "$0")/session.sh"

start tracker --store memory --listen 127.0.0.1:0
tracker_pid=$pid tracker_events=$events
tracker="$(event_of listening <&"$tracker_events" | jq --raw-output .endpoint)"

start share "$(sample_file film.mkv 16)" --tracker "$tracker" --listen 127.0.0.1:0
sharer_pid=$pid sharer_events=$events
ticket="$(event_of sharing <&"$sharer_events" | jq --raw-output .ticket)"

start download "$ticket" --output "$scratch/out" --listen 127.0.0.1:0 --download-limit 2MiB/s
event_of progress <&"$events" >/dev/null
kill -INT "$pid"
failed="$(event_of failed <&"$events")"
must_be "how a download that is stopped ends" "$(jq --raw-output .code <<<"$failed")" INTERRUPTED
jq --exit-status '.hint | contains("goshare download")' <<<"$failed" >/dev/null
must_end_with 130 "$pid"
must_be "its state" \
  "$(goshare status --output "$scratch/out" --json | jq --raw-output '.resumable.state // empty')" paused

kill -TERM "$sharer_pid"
must_be "what stopped the share" "$(event_of stopped <&"$sharer_events" | jq --raw-output .signal)" SIGTERM
must_end_with 0 "$sharer_pid"

kill -INT "$tracker_pid"
must_be "what stopped the tracker" "$(event_of stopped <&"$tracker_events" | jq --raw-output .signal)" SIGINT
must_end_with 0 "$tracker_pid"
