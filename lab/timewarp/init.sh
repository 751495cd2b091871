#!/bin/sh
# Process 1 of the timewarp engine's machine. Its root is the host's own file system, of which it changes
# nothing: what it needs of its own it mounts. Where things are on the host it finds in /run, which
# src/engine/timewarp/machine.ts has prepared.
set -e
# Without root the host's own root has no number here, and to programs with the set-user-ID bit, such as
# mount, everybody would be somebody else.
[ -n "$1" ] || exec setpriv --no-new-privs "$0" again
PATH=/run/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
kernel=$(readlink /run/timewarp/kernel)
worker=$(readlink /run/timewarp/worker)
node=$(readlink /run/timewarp/node)

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 lab /run

# modprobe finds the modules of this kernel, for whoever types it and for the kernel itself.
mkdir -p /run/bin /run/kmod/lib
ln -s "$kernel/lib/modules" /run/kmod/lib/modules
modprobe=$(command -v modprobe)
printf '#!/bin/sh\nexec %s -d /run/kmod "$@"\n' "$modprobe" > /run/bin/modprobe
chmod 755 /run/bin/modprobe
echo /run/bin/modprobe > /proc/sys/kernel/modprobe

# Nothing corrects the clock in here, and computing takes no time by it: see who reads this.
export PATH LAB_VIRTUAL_TIME=1

# The lab speaks with its worker through the second console, whatever the bytes.
exec < /dev/tty1 > /dev/tty1 2> /dev/console
stty raw -echo
exec "$node" "$worker"
