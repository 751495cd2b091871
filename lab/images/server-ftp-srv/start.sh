#!/bin/sh
# For exploring by hand: ftp-srv as the lab would start it, with a few files.
set -eu
address=${LAB_ADDRESS:-203.0.113.20}

# Containers are wired after they start, and ftp-srv can bind only to an address that is there.
left=300
until ip -4 -brief address | grep -qF " $address/"; do
  left=$((left - 1))
  [ "$left" -gt 0 ] || { echo "no interface got the address $address within 30 s" >&2 && exit 1; }
  sleep 0.1
done

# Its configuration is the first line of its input, and it ends when its input does. A pipe it holds
# open for writing itself never ends.
pipe=/run/lab/config
rm -f "$pipe"
mkfifo "$pipe"
exec 3<> "$pipe"
rm "$pipe"
tr -d '\n' >&3 << END
{
  "program": "ftp-srv",
  "address": "$address",
  "port": 21,
  "passivePorts": [50000, 50099],
  "patience": 30,
  "files": [
    { "name": "hello.bin", "seed": "hello", "size": 65536, "lasting": 0 },
    { "name": "big.bin", "seed": "big", "size": 16777216, "lasting": 0 }
  ]
}
END
echo >&3
exec node /opt/lab/server-ftp-srv.js <&3
