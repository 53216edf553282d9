#!/usr/bin/env bash
# Verify what was downloaded, name what is wrong, repair it, and compare whole files with sums from elsewhere.
source "$(dirname "$0")/session.sh"

folder="$scratch/data set"
mkdir "$folder"
for n in 1 2 3; do cp "$(sample_file part 3)" "$folder/part $n"; done
start share "$folder" --listen 127.0.0.1:0
sharing="$(event_of sharing <&"$events")"
ticket="$(jq --raw-output .ticket <<<"$sharing")"
goshare download "$ticket" --output "$scratch/out" --listen 127.0.0.1:0 --quiet >/dev/null
copy="$scratch/out/data set"

# Two bytes of one chunk, and a file that has gone.
printf 'XY' | dd of="$copy/part 2" bs=1 seek=$((1024 * 1024 + 77)) conv=notrunc status=none
rm "$copy/part 3"

code=0
goshare verify "$ticket" "$copy" --json >"$scratch/lines" || code=$?
must_be "the exit code for what is wrong" "$code" 5
must_be "what is wrong" \
  "$(jq --raw-output '.difference // empty | "\(.problem) \(.paths[0]) \(.chunksWrong)"' \
    "$scratch/lines" | sort)" \
  $'content part 2 1\nmissing part 3 3'
must_be "the code" "$(tail -n 1 "$scratch/lines" | jq --raw-output .failed.code)" CONTENT_DIFFERS

goshare verify "$ticket" "$copy" --repair --json >"$scratch/lines"
must_be "what was fetched" "$(tail -n 1 "$scratch/lines" | jq --raw-output .done.bytesReceived)" $((4 * 1024 * 1024))
diff --recursive "$folder" "$copy"

goshare verify "$ticket" "$copy" --sha256sum --json |
  jq --raw-output '.fileSum // empty | "\(.sha256)  \(.path)"' | (cd "$folder" && sha256sum --check --quiet)
