#!/bin/bash
# Is the server up? It is when it greets. Bash, for its /dev/tcp is the only FTP client in the image.
set -eu
exec 3<> "/dev/tcp/${LAB_ADDRESS:-127.0.0.1}/21"
read -r line <&3
[[ $line == 220* ]]
# A session left properly is no error in the server's log.
printf 'QUIT\r\n' >&3
cat <&3 > /dev/null
