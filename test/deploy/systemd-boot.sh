#!/bin/sh
# The inside of systemd-host.ts: run in new namespaces, it makes a file system out of this machine's /usr and
# the folder $1 (etc, and the built hintmesh), and becomes its systemd. Touches nothing outside: all of its
# mounts are its own.
set -eu
scene=$1
node=$2
modules=$3

mount --make-rprivate /
root=$scene/root
mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir -p usr var/lib var/log/journal run proc sys dev tmp root home old
for link in bin sbin lib lib32 lib64 libx32; do [ ! -L "/$link" ] || ln -s "usr/$link" "$link"; done
mount --rbind /usr usr
mount -o remount,bind,ro usr
cp -a "$scene/etc" etc
cp /etc/ld.so.cache etc/

# Node and hintmesh where npm install -g puts them.
mount -t tmpfs -o mode=755 tmpfs usr/local
home=usr/local/lib/node_modules/hintmesh
mkdir -p usr/local/bin "$home/node_modules"
touch usr/local/bin/node
mount --bind "$node" usr/local/bin/node
cp -r "$scene/hintmesh/." "$home"
mount --rbind "$modules" "$home/node_modules"
ln -s ../lib/node_modules/hintmesh/dist/main.js usr/local/bin/hintmesh

mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
  touch "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp

pivot_root . old
umount -l old
rmdir old
# systemd hands credentials over by a mount that must spread; it takes care of that itself only on a real machine.
mount --make-rshared /
exec env -i container=hintmesh-test /usr/lib/systemd/systemd --system --unit=test.target --log-target=journal
