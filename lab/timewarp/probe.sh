#!/bin/sh
# Process 1 of a machine that is only tried: sleeps a quarter of an hour, says so, and ends, and the machine
# with it.
sleep 900 && echo slept > /dev/tty1
