#!/usr/bin/env bash
# Installs the system packages that are missing, and nothing else. Silent when everything is there.
#
#   install-deps.sh run     what building and running need
#   install-deps.sh package that, and what checks and builds a .deb
#   install-deps.sh test    what running needs, a software Vulkan driver on which the GPU tests run, and a virtual display
#
# On systems without apt-get it installs nothing and says what to install.
set -euo pipefail

usage() {
    sed -n '4,6s/^# *//p' "$0" >&2
    exit 2
}

# A compiler that can link: rustc and two C libraries inside Burn need one.
can_link_c() {
    command -v cc >/dev/null && echo 'int main(void) { return 0; }' | cc -x c -o /dev/null - 2>/dev/null
}

has_ffmpeg() {
    command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null
}

# wgpu opens the Vulkan loader when it runs: without it the program builds and starts, but finds no GPU.
has_vulkan_loader() {
    [ "$(uname -s)" != Linux ] || [[ $(ldconfig_list) == *libvulkan.so.1* ]]
}

ldconfig_list() {
    PATH="$PATH:/sbin:/usr/sbin" ldconfig -p
}

# lavapipe, Mesa's Vulkan driver on the CPU. Elsewhere than on Linux the tests that need it are skipped.
has_software_vulkan() {
    [ "$(uname -s)" != Linux ] || compgen -G '/usr/share/vulkan/icd.d/lvp_icd*.json' >/dev/null ||
        compgen -G '/etc/vulkan/icd.d/lvp_icd*.json' >/dev/null
}

# The window opens these when it runs; without them it cannot be opened.
has_window_libraries() {
    [ "$(uname -s)" != Linux ] || {
        [[ $(ldconfig_list) == *libX11-xcb.so.1* ]] && [[ $(ldconfig_list) == *libXcursor.so.1* ]] &&
            [[ $(ldconfig_list) == *libXi.so.6* ]] && [[ $(ldconfig_list) == *libXrandr.so.2* ]] &&
            [[ $(ldconfig_list) == *libxkbcommon-x11.so.0* ]] && [[ $(ldconfig_list) == *libwayland-client.so.0* ]]
    }
}

# A display that nobody sees, and a hand on its keyboard.
has_virtual_display() {
    [ "$(uname -s)" != Linux ] || { command -v Xvfb >/dev/null && command -v xdotool >/dev/null; }
}

# What checks the desktop's files, and what finds the libraries that the program is linked with.
has_package_tools() {
    command -v desktop-file-validate >/dev/null && command -v appstreamcli >/dev/null &&
        command -v dpkg-shlibdeps >/dev/null
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "error: installing needs root, and there is no sudo; as root, run: $*" >&2
        return 1
    fi
}

apt_install() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
    echo "installing missing system packages: $*" >&2
    as_root "${apt[@]}" update >&2 || echo "warning: the list of packages could not be renewed; trying the old one" >&2
    as_root "${apt[@]}" install -y --no-install-recommends "$@" >&2
}

say_what_is_missing() {
    echo "error: missing: $*" >&2
    echo "this system has no apt-get; install the same with its own package manager, for example" >&2
    echo "  Fedora:  dnf install gcc ffmpeg vulkan-loader mesa-vulkan-drivers libxkbcommon-x11 xorg-x11-server-Xvfb xdotool" >&2
    echo "  Arch:    pacman -S gcc ffmpeg vulkan-icd-loader vulkan-swrast libxkbcommon-x11 xorg-server-xvfb xdotool" >&2
    echo "  macOS:   xcode-select --install; brew install ffmpeg" >&2
}

# Fills `missing` with the packages, by Debian's names, for what is not there.
find_missing() {
    missing=()
    can_link_c || missing+=(gcc libc6-dev)
    has_ffmpeg || missing+=(ffmpeg)
    has_vulkan_loader || missing+=(libvulkan1)
    has_window_libraries ||
        missing+=(libx11-xcb1 libxcursor1 libxi6 libxrandr2 libxkbcommon-x11-0 libwayland-client0)
    if [ "$purpose" = test ]; then
        has_software_vulkan || missing+=(mesa-vulkan-drivers)
        has_virtual_display || missing+=(xvfb xdotool)
    elif [ "$purpose" = package ]; then
        has_package_tools || missing+=(appstream desktop-file-utils dpkg-dev)
    fi
}

[ $# -eq 1 ] || usage
purpose=$1
case $purpose in run | test | package) ;; *) usage ;; esac

if ! command -v cargo >/dev/null; then
    echo "error: there is no cargo on the PATH; install Rust with rustup first: https://rustup.rs" >&2
    exit 1
fi

find_missing
[ ${#missing[@]} -gt 0 ] || exit 0
if ! command -v apt-get >/dev/null; then
    say_what_is_missing "${missing[@]}"
    exit 1
fi
apt_install "${missing[@]}"
find_missing
if [ ${#missing[@]} -gt 0 ]; then
    echo "error: still missing after installing: ${missing[*]}" >&2
    exit 1
fi
