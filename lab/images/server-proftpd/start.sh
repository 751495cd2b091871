#!/bin/sh
exec proftpd --nodaemon --config /etc/lab/proftpd.conf
