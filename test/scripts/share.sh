#!/usr/bin/env bash
# Share a folder, know when it is up, hand the ticket on, and end once somebody has all of it.
source "$(dirname "$0")/session.sh"

mkdir "$scratch/photos"
for n in $(seq 200); do echo "picture $n" >"$scratch/photos/$n.jpg"; done

start share "$scratch/photos" --exclude '7.jpg' --once --listen 127.0.0.1:0
sharer=$pid
sharing="$(event_of sharing <&"$events")"

must_be "the number of files" "$(jq .files <<<"$sharing")" 199
must_be "the name" "$(jq --raw-output .name <<<"$sharing")" photos
jq --exit-status '.contentId | test("^[0-9a-f]{64}$")' <<<"$sharing" >/dev/null
test -f "$(jq --raw-output .manifestPath <<<"$sharing")"

# The ticket is a line of text: it can stand in a file, a variable, or come from standard input.
jq --raw-output .ticket <<<"$sharing" >"$scratch/ticket"
goshare download - <"$scratch/ticket" --output "$scratch/out" --quiet --listen 127.0.0.1:0 >"$scratch/path"

must_be "what was downloaded" "$(cat "$scratch/path")" "$scratch/out/photos"
diff --recursive --exclude 7.jpg "$scratch/photos" "$scratch/out/photos"

copied="$(event_of copied <&"$events")"
must_be "the number of copies" "$(jq .copies <<<"$copied")" 1
event_of stopped <&"$events" >/dev/null
must_end_with 0 "$sharer"
