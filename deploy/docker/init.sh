#!/bin/sh
# Makes, once, what compose.yaml must not hold: an identity and an AMI secret for each of the two PBXs, and the
# files that carry them. Runs in the broker's image, with the four volumes below $1; $2 is where hintmesh lies.
set -eu
out=${1:-/setup}
home=${2:-/opt/hintmesh}
# Of the users in the two images; volumes know numbers only.
broker=${BROKER_USER-1000:1000}
asterisk=${ASTERISK_USER-5060:5060}
made=$out/msk-hintmesh/made
umask 077

# Docker gives an empty volume the owner and the mode of the image's folder, and the second time they are what we made
# them. Root may do nothing here but chown, so it first makes the folders its own.
for tag in msk spb; do
  chown 0:0 "$out/$tag-hintmesh" "$out/$tag-asterisk"
done

if [ ! -e "$made" ]; then
  for tag in msk spb; do
    rm -f "$out/$tag-hintmesh/"* "$out/$tag-asterisk/"*
    identity=$out/$tag-hintmesh/identity.pem
    hintmesh keygen --tag "$tag" --url "wss://$tag:7440" --out "$identity" > "$out/$tag-hintmesh/keygen"
  done
  for tag in msk spb; do
    case $tag in msk) peer=spb ;; *) peer=msk ;; esac
    secret=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    printf '%s\n' "$secret" > "$out/$tag-hintmesh/ami.secret"
    # The line for the other one's peers: is the last that keygen prints.
    cat > "$out/$tag-hintmesh/hintmesh.yaml" <<YAML
tag: $tag
ami: { secret_file: ami.secret }
listen: { host: 0.0.0.0, port: 7440 }
# Prometheus asks from another container.
http: { host: 0.0.0.0, port: 7441 }
export:
  - { context: ext-local, match: _2XXX }
peers:
  $(tail -n 1 "$out/$peer-hintmesh/keygen")
YAML
    sed "s/^secret = .*/secret = $secret/" "$home/deploy/manager.conf" > "$out/$tag-asterisk/manager.conf"
    # The shipped dialplan is that of msk; for spb the tags are exchanged.
    case $tag in msk) exchange='' ;; *) exchange='s/msk/%/g; s/spb/msk/g; s/%/spb/g' ;; esac
    sed "$exchange" "$home/dialplan/hintmesh.conf" > "$out/$tag-asterisk/hintmesh.conf"
  done
  touch "$made"
fi
# Last, and each time: their users must be able to read them.
for tag in msk spb; do
  chown -R "$broker" "$out/$tag-hintmesh"
  chown -R "$asterisk" "$out/$tag-asterisk"
done
echo 'init: identities, secrets and configs are there'
