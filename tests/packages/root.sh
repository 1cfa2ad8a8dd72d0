# SPDX-License-Identifier: Apache-2.0
# For tests in roots of other systems. Needs to be root; without, such a test is skipped, but for CI.
if [ "$(id -u)" -ne 0 ]; then
  echo "skipped: needs to be root"
  [ -z "${CI:-}" ] && exit 77
  exit 1
fi

fail() { echo "$*" >&2; exit 1; }

# unpack_root ROOTS NAME FOLDER
unpack_root() {
  mkdir -p "$3"
  tar -xf "$1/$2.tar" -C "$3" --numeric-owner
}

# in_root FOLDER COMMAND...: with /proc and /dev; they go with the command.
in_root() {
  # shellcheck disable=SC2016 # for the inner shell
  unshare --mount --propagation private sh -c 'mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"' "$@"
}

# start_in_root FOLDER PROGRAM [OPTION...]: a local processor in there; tells its $address. It ends with end_in_root.
start_in_root() {
  local root=$1
  shift
  rm -f "$root/tmp/port"
  in_root "$root" "$@" --listen 127.0.0.1:0 --port-file /tmp/port >"$root/tmp/log" 2>&1 &
  in_root_pid=$!
  for _ in $(seq 600); do
    [ -s "$root/tmp/port" ] && break
    kill -0 "$in_root_pid" || { cat "$root/tmp/log" >&2; return 1; }
    sleep 0.05
  done
  address=$(cat "$root/tmp/port")
}
end_in_root() {
  kill "$in_root_pid" 2>/dev/null || true
  wait "$in_root_pid" 2>/dev/null || true
}
