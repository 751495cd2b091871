#!/bin/sh
# Makes the base of the lab's images from Debian packages alone: no image registry is asked.
set -eu

RELEASE=bookworm
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
security=${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
# A user's PATH on Debian leaves out where debootstrap is.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

help() {
  cat << END
Usage: lab/base-image.sh [--force] [name]

Makes a slim Debian $RELEASE image with debootstrap and imports it into Docker.
Does nothing when the image is there already.

  name      name of the image (default: ftp-firewall-lab/base:$RELEASE)
  --force   make it anew, with today's packages

Environment: DEBIAN_MIRROR (default http://deb.debian.org/debian), DEBIAN_SECURITY_MIRROR
(default http://deb.debian.org/debian-security); the image's apt uses them too.

Exit codes: 0 the image is there, 2 wrong arguments, 3 it could not be made, 4 something is missing here.
END
}

say() { printf '%s\n' "$*"; }
fail() {
  code=$1
  shift
  say "$*" >&2
  exit "$code"
}

force=
name=
for arg; do
  case $arg in
    -h | --help) help && exit ;;
    --force) force=yes ;;
    -*) fail 2 "$arg is no option of base-image.sh; see --help" ;;
    *)
      [ -z "$name" ] || fail 2 "One name is enough: $name or $arg?"
      name=$arg
      ;;
  esac
done
name=${name:-ftp-firewall-lab/base:$RELEASE}

docker version > /dev/null 2>&1 ||
  fail 4 "Docker does not answer ('docker version' tells why). Where it is missing: sudo apt-get install -y docker.io"
old=$(docker image inspect --format '{{.Id}}' "$name" 2> /dev/null) || old=
if [ -n "$old" ] && [ -z "$force" ]; then
  say "$name is there already (--force makes it anew)"
  exit
fi
if ! { command -v debootstrap && command -v unshare && [ -e "$KEYRING" ]; } > /dev/null; then
  fail 4 "debootstrap is missing; install it: sudo apt-get install -y debootstrap debian-archive-keyring util-linux"
fi
[ "$(id -u)" = 0 ] || fail 4 "debootstrap needs root: sudo $0${force:+ --force} $name"

# All of it happens in a mount namespace of its own, on a tmpfs: whatever debootstrap mounts is unseen
# outside, nothing can be deleted through such a mount, and the files go with the last process.
if [ -z "${LAB_BASE_IMAGE_INSIDE:-}" ]; then
  unshare --mount true 2> /dev/null || fail 4 "Mounting is not allowed here (a container?); debootstrap needs it"
  LAB_BASE_IMAGE_INSIDE=yes exec unshare --mount sh "$0" ${force:+--force} "$name"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/lab-base-image.XXXXXX")
job=
finish() {
  trap - EXIT
  # Ends the whole process namespace of a step under way.
  [ -z "$job" ] || kill -KILL "$job" 2> /dev/null || true
  # Lazily, for processes just killed may still hold it.
  umount --lazy "$work" 2> /dev/null || true
  rmdir "$work"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
# Without --no-mtab it would leave a folder in /run.
mount --no-mtab -t tmpfs -o size=1g,mode=755 tmpfs "$work"
root=$work/root
mkdir "$root"

# Runs a command that can be interrupted at once (a shell waits for a foreground one before it
# obeys a trap), and that ends with all its offspring when this shell does, by kill -9 too.
step() {
  setpriv --pdeathsig KILL unshare --pid --fork --kill-child "$@" > "$work/log" 2>&1 < /dev/null &
  job=$!
  wait "$job" || {
    job=
    tail -n 20 "$work/log" >&2
    fail 3 "$name was not made: $1 failed, see above"
  }
  job=
}

say "making $name with debootstrap (about half a minute)"

# In place before the first package is unpacked by dpkg. The excludes stay in the image, so that later
# installs are slim too; licences are kept.
mkdir -p "$root/etc/dpkg/dpkg.cfg.d" "$root/etc/apt/apt.conf.d" "$root/usr/sbin"
cat > "$root/etc/dpkg/dpkg.cfg.d/slim" << 'END'
# A half-written image layer is thrown away whole: no need to wait for the disk.
force-unsafe-io
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/groff/*
path-exclude /usr/share/info/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-include /usr/share/locale/locale.alias
path-exclude /usr/share/man/*
END
cat > "$root/etc/apt/apt.conf.d/slim" << 'END'
APT::Install-Recommends "false";
Acquire::Languages "none";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };
END

step debootstrap --variant=minbase --merged-usr --force-check-gpg --keyring="$KEYRING" "$RELEASE" "$root" "$mirror"

# No package may start its service while an image is built.
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"

# debootstrap knows no security updates. The release itself it has just installed, so its long list of
# packages is not fetched again.
cat > "$root/etc/apt/sources.list" << END
deb $security $RELEASE-security main
deb $mirror $RELEASE-updates main
END
step chroot "$root" sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get upgrade -y -qq'
printf 'deb %s %s main\n' "$mirror" "$RELEASE" >> "$root/etc/apt/sources.list"

# What debootstrap itself unpacked, past dpkg's excludes, and what is this machine's or of this hour.
find "$root/usr/share/doc" -type f ! -name copyright -delete
find "$root/usr/share/doc" -type l -delete
find "$root/usr/share/doc" -mindepth 1 -type d -empty -delete
find "$root/usr/share/locale" -mindepth 1 -maxdepth 1 ! -name locale.alias -exec rm -rf {} +
rm -rf "$root"/usr/share/groff "$root"/usr/share/info/* "$root"/usr/share/lintian "$root"/usr/share/man/*
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb \
  "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root/var/cache/ldconfig/aux-cache"
find "$root/var/log" -type f -delete
: > "$root/etc/machine-id"
rm -f "$root/etc/hostname" "$root/etc/resolv.conf"

# It gets its name only once all of it is in. Docker's own errors go to the terminal.
id=$({ tar -C "$root" --numeric-owner -c . && : > "$work/packed"; } |
  docker import --change 'CMD ["bash"]' --message "Debian $RELEASE by debootstrap" -) ||
  fail 3 "$name was not made: docker import failed, see above"
if [ ! -e "$work/packed" ]; then
  docker image rm "$id" > /dev/null
  fail 3 "$name was not made: packing failed, see above"
fi
docker tag "$id" "$name"
# Stays where images are still built on it.
[ -z "$old" ] || docker image rm "$old" > /dev/null 2>&1 || true

say "made $name ($(($(docker image inspect --format '{{.Size}}' "$name") / 1000000)) MB)"
