#!/usr/bin/env bash
# Writes target/packaging/third-party.txt: the crates that the program is built from, with their licences and the texts
# that those ask to pass on. Each text comes once, after the names of its crates. Every package of the program has it.
set -euo pipefail
cd "$(dirname "$0")/.."

# `name version: licence`, a line a crate of this system's build.
crates() {
    cargo tree --locked --edges normal,build --prefix none --format '{p}|{l}' |
        sed -E 's/ \((proc-macro|\*)\)//g' |
        sed -E '/ \(/d; s/^([^ ]+) v([^|]+)\|(.*)$/\1 \2: \3/' | LC_ALL=C sort -u
}

# Where cargo keeps the sources of each: the folder is called name-version.
folders() {
    cargo metadata --locked --format-version 1 --filter-platform "$(rustc -vV | sed -n 's/^host: //p')" |
        grep -o '"manifest_path":"[^"]*"' | cut -d '"' -f 4 | xargs -d '\n' dirname
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/texts" "$work/names"
crates >"$work/crates"
folders >"$work/folders"

out=target/packaging/third-party.txt
mkdir -p "${out%/*}"
exec >"$out"

echo "FRESCO Studio is built from these crates:"
echo
sed 's/^/  /' "$work/crates"

while read -r name version _; do
    folder=$(grep -m 1 -F -x -e "$(grep -m 1 -F -e "/$name-${version%:}" "$work/folders" || true)" "$work/folders") || continue
    for text in "$folder"/{LICEN[CS]E,COPYING,COPYRIGHT,NOTICE,UNLICENSE}*; do
        [ -f "$text" ] || continue
        hash=$(tr -d '[:space:]' <"$text" | sha256sum | cut -c 1-32)
        [ -e "$work/texts/$hash" ] || cp "$text" "$work/texts/$hash"
        echo "$name ${version%:}" >>"$work/names/$hash"
    done
done <"$work/crates"

for names in "$work"/names/*; do
    printf '\n%s\n\n' "$(printf '=%.0s' {1..100})"
    sort -u "$names" | paste -s -d , | sed 's/,/, /g' | fold -s -w 100
    echo
    cat "$work/texts/${names##*/}"
done
