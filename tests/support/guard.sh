#!/bin/sh
# guard.sh OWNER FOLDER
#
# Waits for the end of process OWNER, however it comes, then ends every process that launch.sh
# started below FOLDER, and removes FOLDER. Goes away by itself when FOLDER does.
owner=$1
folder=$2
trap '' HUP

# What tells process $1 from a later one with the same number; empty if it is gone or a zombie.
identity() {
  if [ -r /proc/self/stat ]; then
    { read -r line </proc/"$1"/stat; } 2>/dev/null || return 0
    # shellcheck disable=SC2086
    set -- ${line##*) }
    case $1 in
      Z | X) ;;
      *) echo "${20}" ;;
    esac
  elif kill -0 "$1" 2>/dev/null; then
    echo alive
  fi
}

end_processes() {
  for file in "$folder"/*/pid; do
    [ -s "$file" ] && ! [ -s "${file%pid}exit" ] && kill -KILL "$(cat "$file")"
  done
}

born=$(identity "$owner")
while [ -n "$born" ] && [ "$(identity "$owner")" = "$born" ]; do
  [ -d "$folder" ] || exit 0
  sleep 0.5
done

end_processes 2>/dev/null
sleep 0.5
end_processes 2>/dev/null
rm -rf "$folder"
