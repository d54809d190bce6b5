#!/usr/bin/env bash
# Renders the icons of every system from the two drawings in assets/icons. Run by hand after a drawing has changed.
#
# Needs rsvg-convert, optipng and icotool: apt-get install librsvg2-bin optipng icoutils
set -euo pipefail
cd "$(dirname "$0")/.."

drawings=assets/icons
out=packaging/icons
mkdir -p "$out"

# The drawing with fewer and bolder parts serves the sizes in which the other's would blur.
render() {
    local size=$1 file=$2 drawing=$drawings/fresco-studio.svg
    [ "$size" -gt 32 ] || drawing=$drawings/fresco-studio-small.svg
    rsvg-convert --width "$size" --height "$size" "$drawing" --output "$file"
    optipng -quiet -o4 -strip all "$file"
}

for size in 16 24 32 48 64 128 512; do
    render "$size" "$out/$size.png"
done
# What the window shows is part of the program.
render 256 "$drawings/fresco-studio.png"

# An .icns is a header and, one after the other, PNG files by type, each with its length.
icns() {
    local length=8 entry
    for entry in "$@"; do
        length=$((length + 8 + $(stat --format %s "${entry#*:}")))
    done
    printf 'icns'
    big_endian "$length"
    for entry in "$@"; do
        printf '%s' "${entry%%:*}"
        big_endian $((8 + $(stat --format %s "${entry#*:}")))
        cat "${entry#*:}"
    done
}

# A number as four bytes.
big_endian() {
    printf "$(printf '\\x%02x' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"
}

icns icp4:"$out/16.png" icp5:"$out/32.png" ic12:"$out/64.png" ic07:"$out/128.png" \
    ic08:"$drawings/fresco-studio.png" ic09:"$out/512.png" >"$out/fresco-studio.icns"
icotool --create --output="$out/fresco-studio.ico" \
    "$out"/{16,24,32,48,64}.png --raw="$drawings/fresco-studio.png"
