# A Linux of some megabytes that runs our tests in an emulator of a whole machine: for
# scripts/test-aarch64 and the like. To be sourced, in the root of the project.
#
# The guest has Debian's kernel, busybox, the test programs and their libraries, all of it in an
# initramfs; kernel and busybox are unpacked from their packages and never installed.

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# install_missing PACKAGE...: never at the price of a package that is there.
install_missing() {
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if [[ "${missing[*]}" == *:arm64* ]]; then as_root dpkg --add-architecture arm64; fi
  as_root apt-get update -qq
  as_root apt-get install -y -qq --no-install-recommends --no-remove "${missing[@]}"
}

# unpack PACKAGE FOLDER: what the package holds, downloaded once.
unpack() {
  [ -e "$2" ] && return
  local work
  work=$(mktemp -d "$2.XXXXXX")
  (cd "$work" && apt-get download -qq -o APT::Sandbox::User=root "$1" && dpkg -x ./*.deb tree)
  mv "$work/tree" "$2"
  rm -r "$work"
}

# kernel METAPACKAGE FOLDER: prints the file of the kernel that the metapackage stands for.
kernel() {
  local package
  package=$(apt-cache depends "$1" | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' | head -n 1)
  [ -n "$package" ] || { echo "no kernel in $1: is apt-get update needed?" >&2; return 1; }
  unpack "$package" "$2/${package%:*}"
  echo "$2/${package%:*}"/boot/vmlinuz-*
}

# add_program ROOT PROGRAM FOLDER...: a test program with its loader and the libraries that it needs,
# which are looked for in the folders, those of another architecture too.
add_program() {
  local root=$1 program=$2
  shift 2
  local loader
  loader=$(readelf -lW "$program" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
  cp "$program" "$root/tests/"
  add_libraries "$root" "$program" "$@"
  mkdir -p "$root$(dirname "$loader")"
  [ -e "$root$loader" ] || cp -L "$root/lib/$(basename "$loader")" "$root$loader"
}

add_libraries() {
  local root=$1 file=$2 library folder
  shift 2
  for library in $(readelf -dW "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
    [ -e "$root/lib/$library" ] && continue
    for folder in "$@"; do
      [ -e "$folder/$library" ] && break
    done
    cp -L "$folder/$library" "$root/lib/" || return 1
    add_libraries "$root" "$root/lib/$library" "$@"
  done
}

# make_root ROOT BUSYBOX TARGET ROOM:FILTER...: the guest's files but for its programs. The tests
# of each room run that its GoogleTest filter names, on the instruction set TARGET.
make_root() {
  local root=$1 busybox=$2 target=$3
  shift 3
  rm -rf "$root"
  mkdir -p "$root"/{bin,lib,proc,sys,dev,tmp,tests}
  cp "$busybox" "$root/bin/busybox"
  printf '%s\n' "$@" >"$root/tests/list"
  cat >"$root/init" <<INIT
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp HYPERCONV_TARGET=$target
INIT
  cat >>"$root/init" <<'INIT'
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /tmp
ln -s /proc/self/fd /dev/fd
ip link set lo up
cd /tests
status=0
while IFS=: read -r room filter; do
  echo "guest: $room, $(uname -m), target $HYPERCONV_TARGET, up for $(cut -d ' ' -f 1 /proc/uptime) s"
  ./"${room}_tests" --gtest_color=no --gtest_filter="$filter" </dev/null || status=$?
done <list
echo "guest: ended with $status"
poweroff -f
INIT
  chmod +x "$root/init"
}

# pack ROOT FILE: the initramfs.
pack() {
  (cd "$1" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$2"
}

# run_guest MINUTES CONSOLE COMMAND...: starts the emulator, shows what its serial line writes into
# the file CONSOLE, and says how it ended: 0 only where every program ran and passed.
run_guest() {
  local minutes=$1 console=$2 emulator start=$SECONDS status=0
  shift 2
  : >"$console"
  timeout "$((minutes * 60))" nice -n 10 "$@" </dev/null >"$console.emulator" 2>&1 &
  emulator=$!
  tail -n +1 -f --pid="$emulator" "$console" | tr -d '\r' &
  wait "$emulator" || status=$?
  wait
  echo "the guest took $((SECONDS - start)) s"
  if [ "$status" -eq 124 ]; then
    echo "the guest did not end in $minutes minutes" >&2
    return 1
  fi
  if ! tr -d '\r' <"$console" | grep -qx 'guest: ended with 0'; then
    echo "the guest's tests failed, or it died: $console, $console.emulator" >&2
    return 1
  fi
  grep -q '\[  PASSED  \] [1-9]' "$console" || { echo "no test has run" >&2; return 1; }
}
