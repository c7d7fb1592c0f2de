#!/bin/sh
# launch.sh FOLDER COMMAND [ARGUMENT...]
#
# Starts COMMAND in the background, deaf to Ctrl+C and hang-up, and returns. In FOLDER it leaves
# `pid`, `console.log` and, when COMMAND has ended, its exit code in `exit`.
folder=$1
shift
rm -f "$folder/pid" "$folder/exit"

(
  trap '' HUP
  "$@" >>"$folder/console.log" 2>&1 </dev/null &
  child=$!
  echo "$child" >"$folder/pid.new" && mv "$folder/pid.new" "$folder/pid"
  wait "$child"
  echo $? >"$folder/exit.new" && mv "$folder/exit.new" "$folder/exit"
) >/dev/null 2>&1 </dev/null &

until [ -s "$folder/pid" ]; do sleep 0.05; done
