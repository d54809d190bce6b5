#!/usr/bin/env bash
# Installs the .deb in a Debian that has nothing else, runs the demo there and opens the window. Needs root.
#
#   try-in-clean-root.sh DEB ROOT OUT
#
# ROOT is made with debootstrap if it is not there, and kept: delete it to begin anew. OUT gets the demo's video, the
# logs and a picture of the window. The demo runs with no more than what the package depends on; the window is drawn by
# Mesa's software driver, which it recommends. The display is the host's (Xvfb), so nothing else gets into ROOT.
set -euo pipefail

[ $# -eq 3 ] || {
    sed -n '4s/^# *//p' "$0" >&2
    exit 2
}
deb=$(realpath "$1") root=$(realpath -m "$2") out=$(realpath -m "$3")
suite=${SUITE:-bookworm}
mirror=${MIRROR:-}

[ "$(id -u)" -eq 0 ] || {
    echo "error: chroot needs root" >&2
    exit 1
}
for tool in debootstrap Xvfb xdotool xprop import ffprobe; do
    command -v "$tool" >/dev/null || {
        echo "error: missing: $tool; run: apt-get install debootstrap xvfb xdotool x11-utils imagemagick ffmpeg" >&2
        exit 1
    }
done

# In a mount namespace of its own, so that no mount is left behind however this ends.
if [ -z "${IN_NAMESPACE:-}" ]; then
    IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$deb" "$root" "$out"
fi

say() {
    printf '\n== %s\n' "$*"
}

# The root as a user sees it: a home, no variable of the host, no network but apt's.
inside() {
    chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

install() {
    inside apt-get -q install -y --no-install-recommends "$@" >>"$out/apt.log" 2>&1 || {
        tail -20 "$out/apt.log" >&2
        exit 1
    }
}

mkdir -p "$out"
if [ ! -e "$root/etc/debian_version" ]; then
    say "a clean Debian, $suite"
    debootstrap --variant=minbase "$suite" "$root" ${mirror:+"$mirror"} >"$out/debootstrap.log"
fi
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mkdir -p "$root/tmp/.X11-unix" /tmp/.X11-unix
mount --bind /tmp/.X11-unix "$root/tmp/.X11-unix"
# For roots that reach their packages through the host's settings.
cp /etc/resolv.conf "$root/etc/resolv.conf"
find /etc/apt/apt.conf.d -iname '*proxy*' -exec cp {} "$root/etc/apt/apt.conf.d/" \;

say "install, with what the package depends on"
cp "$deb" "$root/tmp/fresco-studio.deb"
inside apt-get -q update >"$out/apt.log" 2>&1
# Without --reinstall an older build of the same version would stay.
install --reinstall /tmp/fresco-studio.deb
inside dpkg-query --show --showformat '${Package} ${Version}, ${Installed-Size} kB installed, ${Status}\n' fresco-studio
inside fresco-studio --version

say "fresco-studio demo"
inside mkdir -p -m 700 /run/fresco-test
began=$SECONDS
inside XDG_RUNTIME_DIR=/run/fresco-test fresco-studio demo --out /tmp/demo.mp4 2>&1 | tee "$out/demo.log"
echo "the demo took $((SECONDS - began)) s; $(uptime | sed 's/.*load/load/')"
cp "$root/tmp/demo.mp4" "$out/demo.mp4"
ffprobe -v error -count_frames -select_streams v -show_entries stream=codec_name,width,height,nb_read_frames \
    -of compact "$out/demo.mp4"

say "install what it recommends, too"
# shellcheck disable=SC2046 # a word a package
install $(inside dpkg-query --show --showformat '${Recommends}' fresco-studio | sed 's/ *|[^,]*//g; s/,/ /g')

say "the window"
Xvfb -displayfd 3 -screen 0 1440x900x24 -nolisten tcp 3>"$out/display" 2>"$out/xvfb.log" &
server=$!
trap 'kill $server 2>/dev/null' EXIT
for _ in $(seq 50); do
    [ -s "$out/display" ] && break
    sleep 0.1
done
DISPLAY=:$(cat "$out/display")
export DISPLAY
inside DISPLAY="$DISPLAY" XDG_RUNTIME_DIR=/run/fresco-test fresco-studio /tmp/demo.mp4 >"$out/window.log" 2>&1 &
window=$!
trap 'kill $window $server 2>/dev/null' EXIT
timeout 60 xdotool search --sync --onlyvisible --name 'FRESCO Studio' >/dev/null || {
    echo "error: no window came; see $out/window.log" >&2
    exit 1
}
# Long enough for a software driver to draw the opened video.
sleep "${WAIT:-20}"
import -window root "$out/window.png"
kill -0 "$window"
xprop -name "$(xdotool getwindowname "$(xdotool search --onlyvisible --name 'FRESCO Studio' | head -1)")" WM_CLASS _NET_WM_NAME
echo "the window is in $out/window.png"
