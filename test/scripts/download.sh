#!/usr/bin/env bash
# Download, follow how far it is, and tell from the last line how it ended and why.
source "$(dirname "$0")/session.sh"

file="$(sample_file build.tar 8)"
start share "$file" --listen 127.0.0.1:0
ticket="$(event_of sharing <&"$events" | jq --raw-output .ticket)"

goshare download "$ticket" --output "$scratch/out" --listen 127.0.0.1:0 --json >"$scratch/lines"

must_be "the name" "$(jq --raw-output '.downloading.name // empty' "$scratch/lines")" build.tar
must_be "whether what it has only grows" \
  "$(jq --slurp '[.[].progress // empty | .bytesDone | tonumber] | . == sort' "$scratch/lines")" true
done="$(tail -n 1 "$scratch/lines" | jq .done)"
must_be "the bytes received" "$(jq --raw-output .bytesReceived <<<"$done")" "$(stat --format %s "$file")"
cmp "$file" "$(jq --raw-output .path <<<"$done")"

# A second time it is all there already, and nothing is fetched.
goshare download "$ticket" --output "$scratch/out" --listen 127.0.0.1:0 --json >"$scratch/lines"
must_be "the bytes received again" "$(tail -n 1 "$scratch/lines" | jq --raw-output .done.bytesReceived)" 0

# Something else has its name. What to do about it is for people; the code is for programs.
echo "mine" >"$scratch/out/build.tar"
code=0
goshare download "$ticket" --output "$scratch/out" --listen 127.0.0.1:0 --json >"$scratch/lines" || code=$?
failed="$(tail -n 1 "$scratch/lines" | jq .failed)"
must_be "the code" "$(jq --raw-output .code <<<"$failed")" TARGET_EXISTS
must_be "the exit code, as said" "$(jq .exitCode <<<"$failed")" "$code"
must_be "the exit code" "$code" 6

# One file can go straight into another program; events go to stderr then.
goshare download "$ticket" --output - --listen 127.0.0.1:0 --json 2>"$scratch/lines" | cmp "$file" -
must_be "the last path" "$(tail -n 1 "$scratch/lines" | jq --raw-output .done.path)" -
