#!/bin/sh
# vsftpd puts each session's socket in the place of standard output, so the log needs a copy of it; why
# it does not start, it tells the other end of its standard input.
exec vsftpd /etc/lab/vsftpd.conf 3>&1 <&2
