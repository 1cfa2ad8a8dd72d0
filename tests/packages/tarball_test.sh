#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tarball, unpacked on a system without any development package: tarball_test.sh PACKAGES ROOTS C_HOST
set -euo pipefail
packages=$1 roots=$2 c_host=$3
source "$(dirname "$0")/root.sh"
work=$(mktemp -d)
trap 'end_in_root; rm -rf "$work"' EXIT
root=$work/root
unpack_root "$roots" bare "$root"

tarball=$(echo "$packages"/agones-processor-*-linux-"$(uname -m)".tar.xz)
name=$(basename "$tarball" .tar.xz)
mkdir -p "$root/unpacked"
tar -xf "$tarball" -C "$root/unpacked"
# What can't be done is said, and nothing is left behind.
in_root "$root" "/unpacked/$name/install.sh" --prefix relative 2>"$work/log" && fail "a relative prefix was taken"
grep "must begin with /" "$work/log" >/dev/null
in_root "$root" "/unpacked/$name/install.sh" --prefix /opt/agones
[ ! -e "$root/opt/agones/machine" ] || fail "install.sh installed itself"
for part in share/doc/agones-processor/third-party/openssl include/agones/processor.h lib/cmake/agones-processor/agones-processor-config.cmake; do
  [ -s "$root/opt/agones/$part" ] || fail "$part is missing"
done

# The host in C, which knows nothing but libc, against the local processor's.
cp -L "$c_host" "$root/opt/c-host"
start_in_root "$root" /opt/agones/bin/local-processor --pull-interval-ms 10
for library in libagones_processor.so libagones_processor_host.so.1; do
  got=$(in_root "$root" /opt/c-host /opt/agones/lib/$library "$address" 20 | wc -l)
  [ "$got" -eq 20 ] || fail "$library: $got of 20 were allocated"
done
in_root "$root" /opt/agones/bin/agones-processor-check /opt/agones/lib/libagones_processor.so >"$work/log" || fail "$(cat "$work/log")"
in_root "$root" /opt/agones/bin/game-host --count 100 --processor "$address" >"$work/log" || fail "$(cat "$work/log")"
end_in_root

# TLS, with the authorities that the system trusts: where Debian, RHEL, SUSE and Alpine keep them.
in_root "$root" ls /etc/ssl/certs/ca-certificates.crt >/dev/null 2>&1 && fail "the bare system is not bare"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=localhost" -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
  -keyout "$root/tmp/key.pem" -out "$root/tmp/certificate.pem" 2>/dev/null
start_in_root "$root" /opt/agones/bin/local-processor --pull-interval-ms 10 --tls-certificate /tmp/certificate.pem --tls-key /tmp/key.pem
over_tls() { in_root "$root" env "$@" /opt/agones/bin/game-host --count 5 --processor "$address" --tls --tls-server-name localhost >"$work/log" 2>&1; }
over_tls && fail "without authorities, somebody was trusted"
grep "the system has no authorities to trust; looked for '/etc/ssl/certs/ca-certificates.crt'" "$work/log" >/dev/null || fail "$(cat "$work/log")"
for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/pki/tls/certs/ca-bundle.crt \
  /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
  mkdir -p "$root$(dirname "$file")"
  cp "$root/tmp/certificate.pem" "$root$file"
  over_tls || fail "$file: $(cat "$work/log")"
  rm "$root$file"
done
over_tls SSL_CERT_FILE=/tmp/certificate.pem || fail "SSL_CERT_FILE: $(cat "$work/log")"
end_in_root

in_root "$root" "/unpacked/$name/install.sh" --uninstall --prefix /opt/agones
[ -z "$(find "$root/opt/agones" ! -type d)" ] || fail "left behind: $(find "$root/opt/agones" ! -type d)"
echo "unpacked, installed, used, removed"
