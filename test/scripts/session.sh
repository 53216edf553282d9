# What the scripts of this folder share: a folder of their own, commands of goshare that run in the background, and how
# to wait for what they say. To be sourced. Everything that was started is ended with the script.
#
# Every event is one line with one object that has one key. `jq .` of a pipe would read further than one line, and what
# it took would be lost to the next: so lines are read by the shell, and given to jq one by one.
set -euo pipefail

scratch="$(mktemp -d)"
started=()

leave() {
  if [ "${#started[@]}" -gt 0 ]; then
    kill -KILL "${started[@]}" 2>/dev/null || true
    wait "${started[@]}" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}
trap leave EXIT

# start ARGS…: runs `goshare ARGS… --json` beside the script; $pid is its process, and its events are read from the
# descriptor $events.
start() {
  local pipe
  pipe="$scratch/events-${#started[@]}"
  mkfifo "$pipe"
  goshare "$@" --json >"$pipe" &
  pid=$!
  started+=("$pid")
  exec {events}<"$pipe"
}

# event_of KEY <EVENTS: reads up to the next event of that kind, and prints what it says.
event_of() {
  local line
  while IFS= read -r line; do
    if jq --exit-status --arg key "$1" 'has($key)' <<<"$line" >/dev/null; then
      jq --compact-output '.[]' <<<"$line"
      return
    fi
  done
  echo "goshare ended without an event '$1'" >&2
  return 1
}

# must_end_with CODE PID: waits for its end.
must_end_with() {
  local code=0
  wait "$2" 2>/dev/null || code=$?
  must_be "the exit code" "$code" "$1"
}

# must_be WHAT IS OUGHT
must_be() {
  if [ "$2" != "$3" ]; then
    echo "$1 is '$2' and ought to be '$3'" >&2
    return 1
  fi
}

# sample_file NAME MEBIBYTES: makes a file of random bytes and prints its path.
sample_file() {
  head -c "$(($2 * 1024 * 1024))" /dev/urandom >"$scratch/$1"
  echo "$scratch/$1"
}
