# SPDX-License-Identifier: Apache-2.0
# For tests that are scripts: start_processor LOCAL_PROCESSOR WORK_FOLDER [OPTION...] starts one and tells its $address. The
# work folder and the processor are gone when the script ends.
start_processor() {
  local program=$1 work=$2
  shift 2
  "$program" --listen 127.0.0.1:0 --port-file "$work/port" "$@" >/dev/null &
  # shellcheck disable=SC2064 # now, not when the script ends
  trap "kill $!; wait $! 2>/dev/null || true; rm -rf '$work'" EXIT
  for _ in $(seq 600); do
    [ -e "$work/port" ] && break
    sleep 0.05
  done
  address=$(cat "$work/port")
}
