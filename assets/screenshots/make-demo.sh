#!/usr/bin/env bash
# Makes demo.jpg and demo.webp, the pictures of the README's first screen, from the demo clip and the demo model.
#
#   assets/screenshots/make-demo.sh PROGRAM WORK
#
# PROGRAM is a built fresco-studio; WORK receives the videos, about two minutes a look on two cores, and what is finished
# there is not made again. Needs ffmpeg with libwebp_anim, drawtext and a font.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
mkdir -p "$2"
work=$(realpath "$2")
clip=$here/../demo/clip.mp4
looks=(neon cartoon oil cyberpunk)
# Two keyframes next to each other, and two of the frames between them.
keyframes=(32 40)
between=(35 37)
cell=200x112

# `demo` is the whole method; `plain` is the same job frame by frame, with neither guidance nor filling.
for look in "${looks[@]}"; do
    mkdir -p "$work/$look"
    [ -s "$work/$look/demo.mp4" ] || "$program" demo --look "$look" --out "$work/$look/demo.mp4" --device cpu
    [ -s "$work/$look/plain.mp4" ] || "$program" translate "$clip" --out "$work/$look/plain.mp4" --look "$look" --prompt "" \
        --steps 15 --size 256 --keyframes 0,8,16,24,32,40,48,56,63 --no-fill --consistency off \
        --device cpu
done

pad() { printf "%0$1d.png" "$2"; }

# Cells of the sheet in reading order: a row of the source, frame by frame, keyframes, between.
inputs=()
for row in source plain keyframes filled; do
    for look in "${looks[@]}"; do
        for i in 0 1; do
            case $row in
            source) inputs+=(-i "$work/$look/demo.fresco/frames/$(pad 6 "${keyframes[i]}")") ;;
            plain) inputs+=(-i "$work/$look/plain-keyframes/$(pad 4 "${keyframes[i]}")") ;;
            keyframes) inputs+=(-i "$work/$look/demo.fresco/keyframes/$(pad 6 "${keyframes[i]}")") ;;
            filled) inputs+=(-i "$work/$look/demo.fresco/filled/$(pad 6 "${between[i]}")") ;;
            esac
        done
    done
done
columns=$((2 * ${#looks[@]}))
scaled="" cells="" layout=""
for ((i = 0; i < 4 * columns; i++)); do
    scaled+="[$i:v]scale=${cell/x/:}:flags=lanczos[c$i];"
    cells+="[c$i]"
    layout+="$((i % columns * ${cell%x*}))_$((i / columns * ${cell#*x}))|"
done
label="fontcolor=white:box=1:boxcolor=black@0.65:boxborderw=4"
titles="" row=0
for title in "source" "frame by frame" "FRESCO keyframes" "filled between them"; do
    titles+=",drawtext=text='$title':fontsize=14:x=5:y=$((row * ${cell#*x} + 5)):$label"
    row=$((row + 1))
done
ffmpeg -v error -y "${inputs[@]}" -filter_complex \
    "$scaled${cells}xstack=inputs=$((4 * columns)):layout=${layout%|}$titles" -q:v 3 "$here/demo.jpg"

# The source and three looks, half of the frames; the sound stays with the videos.
half="select='not(mod(n\,2))',setpts=N/12/TB,scale=352:-2:flags=lanczos"
name() { echo "drawtext=text='$1':fontsize=12:x=4:y=4:$label"; }
ffmpeg -v error -y -i "$clip" -i "$work/neon/demo.mp4" -i "$work/oil/demo.mp4" -i "$work/cyberpunk/demo.mp4" \
    -filter_complex "[0:v]$half,$(name source)[a];[1:v]$half,$(name 'neon outlines')[b];[2:v]$half,$(name 'an oil painting')[c];[3:v]$half,$(name cyberpunk)[d];[a][b][c][d]xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0" \
    -r 12 -c:v libwebp_anim -quality 75 -compression_level 6 -loop 0 "$here/demo.webp"
ls -l "$here/demo.jpg" "$here/demo.webp"
