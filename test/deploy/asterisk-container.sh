#!/bin/sh
# The inside of an Asterisk container of containers.ts: run in a mount namespace of its own. $1: a Debian root with
# Asterisk. $2: a folder with etc (for /etc/asterisk) and lib (for /var/lib/asterisk), the volumes. The rest is
# the image's entry point. As in compose.yaml the root is read-only and Asterisk runs as its own user.
set -eu
root=$1
volumes=$2
shift 2
user=$(chroot "$root" id -u asterisk)
group=$(chroot "$root" id -g asterisk)
owner="uid=$user,gid=$group,mode=0750"

mount --make-rprivate /
cp -a "$root/var/lib/asterisk/." "$volumes/lib"
chown -R "$user:$group" "$volumes/lib"
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --bind "$volumes/etc" "$root/etc/asterisk"
mount --bind "$volumes/lib" "$root/var/lib/asterisk"
for folder in var/log/asterisk var/spool/asterisk; do mount -t tmpfs -o "$owner" tmpfs "$root/$folder"; done
mount -t tmpfs tmpfs "$root/run"
install -d -m 750 -o "$user" -g "$group" "$root/run/asterisk"
exec chroot --userspec=asterisk:asterisk "$root" "$@"
