#!/usr/bin/env bash
# Measures what guidance is worth: each constraint alone, all and none, over clips and prompts, as a Markdown table.
#
#   tests/results.sh CLIPS OUT [JOBS] [SET]
#
# CLIPS is the folder of bunny.mp4, car-turn.mp4 and dog.mp4; OUT receives everything; JOBS runs go at a time, one core
# each. SET is `all`, `cases` (the two cases that the reference implementation was measured on) or `pairs` (none and all
# of each clip). BINARY, STEPS, PROMPTS (separated by |), CONFIGS and NAMES (configurations and clips, separated by spaces)
# may be set beforehand; the configuration `filled` has a keyframe each 8 frames, all constraints, and fills the rest.
# Finished runs in OUT are not repeated. Pixel-MSE and colour drift are those of `fresco-studio evaluate`, on lossless
# clips of the translated keyframes and of the source's frames at the same size.
set -euo pipefail

clips=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
jobs=${3:-$(nproc)}
set=${4:-all}
here=$(cd "$(dirname "$0")/.." && pwd)
binary=${BINARY:-$here/target/release/fresco-studio}
steps=${STEPS:-20}
prompts=${PROMPTS:-a cartoon|neon outlines}

constraints=(spatial-attention cross-frame-attention temporal-attention spatial-loss temporal-loss)
if "$binary" translate --help | grep -q -- --no-background-smoothing; then
    constraints+=(background-smoothing)
fi
configs=${CONFIGS:-off full ${constraints[*]}}

# The flags of a configuration: a constraint's name leaves only that one on.
flags() {
    case $1 in
    off | light | full) echo "--consistency $1 --no-fill" ;;
    filled) echo "--fill-preset fast" ;;
    *)
        echo "--no-fill"
        for other in "${constraints[@]}"; do
            if [ "$other" != "$1" ]; then echo "--no-$other"; fi
        done
        ;;
    esac
}

# A lossless clip of the pictures named.
lossless() {
    local target=$1 list
    shift
    list=$(mktemp -d)
    local n=0
    for picture in "$@"; do
        ln -s "$picture" "$(printf '%s/%04d.png' "$list" "$n")"
        n=$((n + 1))
    done
    ffmpeg -v error -y -framerate 10 -i "$list/%04d.png" -c:v ffv1 -threads 1 -pix_fmt gbrp "$target"
    rm -r "$list"
}

# One run: NAME CLIP FRAMES SIZE CONFIG PROMPT, where FRAMES is what goes after --range or --keyframes.
run() {
    local name=$1 clip=$2 frames=$3 size=$4 config=$5 prompt=$6
    local folder=$out/$name kept=$out/$name/work
    if [ -s "$folder/measures.json" ]; then return; fi
    rm -rf "$folder"
    mkdir -p "$folder"
    local selection
    if [[ $frames == *..* ]]; then
        selection=(--range "$frames" --keyframe-gap "$([ "$config" = filled ] && echo 8 || echo 1)")
    else
        selection=(--keyframes "$frames" --range "${frames%%,*}..$((${frames##*,} + 1))")
    fi
    local began=$SECONDS
    # shellcheck disable=SC2046
    RAYON_NUM_THREADS=1 "$binary" translate "$clips/$clip.mp4" --out "$folder/result.mp4" --prompt "$prompt" \
        "${selection[@]}" --size "$size" --steps "$steps" --strength 0.75 --guidance-scale 4 \
        --control-strength 1 --seed 0 --device cpu --work "$kept" $(flags "$config") >"$folder/log" 2>&1
    echo $((SECONDS - began)) >"$folder/seconds"
    local pictures=() sources=() source picture
    for source in "$kept"/frames/*.png; do
        for picture in "$kept"/{keyframes,filled}/"${source##*/}"; do
            if [ -e "$picture" ]; then
                sources+=("$source")
                pictures+=("$picture")
            fi
        done
    done
    lossless "$folder/source.mkv" "${sources[@]}"
    lossless "$folder/result.mkv" "${pictures[@]}"
    RAYON_NUM_THREADS=1 "$binary" evaluate "$folder/source.mkv" "$folder/result.mkv" --json >"$folder/measures.part"
    mv "$folder/measures.part" "$folder/measures.json"
    rm -rf "$kept"
    echo "$name: $(cat "$folder/measures.json")" >&2
}

# Names of clips, frames, sizes and prompts; every configuration is run on each.
subjects() {
    local prompt
    if [ "$set" != pairs ]; then
        printf '%s\t%s\t%s\t%s\n' bunny 40,44,48,52,56,60 192 "a cartoon"
        printf '%s\t%s\t%s\t%s\n' car-turn 0,2,4,6,8,10 256 "neon outlines"
    fi
    if [ "$set" != cases ]; then
        for clip in ${NAMES:-bunny car-turn dog}; do
            tr '|' '\n' <<<"$prompts" | while read -r prompt; do
                printf '%s\t%s\t%s\t%s\n' "$clip" 0..16 256 "$prompt"
            done
        done
    fi
}

name_of() { # CLIP FRAMES CONFIG PROMPT
    echo "$1-${2//[,.]/_}-${4// /_}-$3"
}

work() {
    while IFS=$'\t' read -r clip frames size prompt; do
        for config in $configs; do
            printf '%s\0' "$(name_of "$clip" "$frames" "$config" "$prompt")" "$clip" "$frames" "$size" "$config" \
                "$prompt"
        done
    done < <(subjects)
}

export -f run flags lossless
export out binary steps clips constraints_list="${constraints[*]}"
# Arrays are not exported to the shells that do the work.
work | xargs -0 -n 6 -P "$jobs" bash -c 'set -euo pipefail
    read -ra constraints <<<"$constraints_list"
    run "$@" || echo "$1 failed: $(tail -n 1 "$out/$1/log")" >&2' run

measure() { # FILE FIELD
    sed -n "s/.*\"$2\":\([^,}]*\).*/\1/p" "$1" 2>/dev/null || true
}

{
    echo "| clip, frames, prompt | configuration | Pixel-MSE | ÷ off | colour drift | seconds |"
    echo "| --- | --- | --- | --- | --- | --- |"
    while IFS=$'\t' read -r clip frames size prompt; do
        off=$(measure "$out/$(name_of "$clip" "$frames" off "$prompt")/measures.json" pixel_mse)
        for config in $configs; do
            folder=$out/$(name_of "$clip" "$frames" "$config" "$prompt")
            mse=$(measure "$folder/measures.json" pixel_mse)
            drift=$(measure "$folder/measures.json" colour_drift)
            awk -v subject="$clip $frames at $size, *$prompt*" -v config="${config//-/ }" -v mse="$mse" -v off="$off" \
                -v drift="$drift" -v seconds="$(cat "$folder/seconds" 2>/dev/null)" 'BEGIN {
                    ratio = mse != "" && off > 0 ? sprintf("%.3f", mse / off) : ""
                    printf "| %s | %s | %s | %s | %s | %s |\n", subject, config, mse == "" ? "" : sprintf("%.5f", mse),
                        ratio, drift == "" ? "" : sprintf("%.2f", drift), seconds
                }'
        done
    done < <(subjects)
} | tee "$out/table.md"
