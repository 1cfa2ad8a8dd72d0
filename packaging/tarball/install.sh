#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what was unpacked here: install.sh [--prefix DIR] [--only libraries|programs]   (default: all, into /usr/local)
# DESTDIR is put before the prefix. install.sh --uninstall [--prefix DIR] takes it away again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=/usr/local
only=
uninstall=no
usage() {
  sed -n '3,4s/^# //p' "$0" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) [ $# -ge 2 ] || usage; prefix=$2; shift 2 ;;
    --prefix=*) prefix=${1#--prefix=}; shift ;;
    --only) [ $# -ge 2 ] || usage; only=$2; shift 2 ;;
    --uninstall) uninstall=yes; shift ;;
    *) usage ;;
  esac
done
case $only in
  '') parts='bin include lib share' ;;
  libraries) parts='include lib share' ;;
  programs) parts='bin share' ;;
  *) usage ;;
esac
case $prefix in
  /*) ;;
  *) echo "install.sh: --prefix must begin with /, not '$prefix'" >&2; exit 2 ;;
esac
to=${DESTDIR:-}$prefix

machine=$(cat "$here/machine")
if [ "$(uname -m)" != "$machine" ]; then
  echo "install.sh: this is for $machine, the machine is $(uname -m)" >&2
  exit 1
fi
cd "$here"
if [ $uninstall = yes ]; then
  # shellcheck disable=SC2086 # words
  find $parts ! -type d | while IFS= read -r file; do rm -f "$to/$file"; done
  # shellcheck disable=SC2086
  find $parts -depth -mindepth 1 -type d | grep agones | while IFS= read -r folder; do rmdir "$to/$folder" 2>/dev/null || true; done
  echo "removed from $to"
  exit 0
fi
# A host that runs keeps what it has loaded: each file is replaced whole.
# shellcheck disable=SC2086
find $parts -type d | while IFS= read -r folder; do mkdir -p "$to/$folder"; done
# shellcheck disable=SC2086
find $parts ! -type d | while IFS= read -r file; do
  cp -P "$file" "$to/$file.new" && mv -f "$to/$file.new" "$to/$file"
done
echo "installed into $to"
