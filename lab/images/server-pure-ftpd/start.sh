#!/bin/sh
set -eu
# Pure-FTPd tells all to syslog, of which there is none here, and its transfers also to a file, which
# must not be a link like /dev/stdout: a pipe it is.
log=/run/lab/transfers
rm -f "$log"
mkfifo "$log"
cat <> "$log" &
exec pure-ftpd -4 -e -H -p 50000:50099 -O "clf:$log"
