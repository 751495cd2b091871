#!/bin/sh
# First process of a host while the lab runs: runs errands, one line each, answered by one line.
#   read FROM PATH   what the file holds from that byte on (1: all of it), 8 MiB at most, in base64
#   kill SIGNAL PID
# It ends with its input, and the container with it: so nothing outlives the lab, whatever ends that.
while read -r verb argument rest; do
  case $verb in
    read)
      if [ -r "$rest" ]; then
        printf 'ok '
        tail -c "+$argument" "$rest" 2> /dev/null | head -c 8388608 | base64 -w 0
        echo
      else
        echo no
      fi
      ;;
    kill)
      kill -s "$argument" "$rest" 2> /dev/null
      echo ok
      ;;
    *) echo no ;;
  esac
done
