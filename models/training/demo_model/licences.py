"""The pictures inside unpacked packages, each with the licence and the holders that its package states for it.

Debian packages state them in machine-readable copyright files (DEP-5) or in prose; wheels in their documentation.
A picture without a stated licence is reported as `unknown` and dropped later.
"""

import fnmatch
import os
import re
import struct
import zlib
from pathlib import Path

FREE = re.compile(r"^(public-domain|CC0-1\.0|CC-BY-[1-4]\.\d|CC-BY-SA-[1-4]\.\d)$")
"""Licences that allow the weights to be CC BY-SA 4.0."""

ENDINGS = (".webp", ".jpg", ".jpeg", ".png")

SCIKIT_IMAGE = {
    "astronaut.png": ("public-domain", "NASA"),
    "chelsea.png": ("CC0-1.0", "Stefan van der Walt"),
    "coffee.png": ("CC0-1.0", "Rachel Michetti"),
    "rocket.jpg": ("public-domain", "SpaceX"),
    "camera.png": ("CC0-1.0", "Lav Varshney"),
    "brick.png": ("CC0-1.0", "CC0 Textures"),
    "grass.png": ("CC0-1.0", "Linolafett"),
    "gravel.png": ("CC0-1.0", "CC0 Textures"),
}
SCIKIT_LEARN = {"china.jpg": "danielbuechele", "flower.jpg": "vultilion"}


def resource_files(path):
    """(name, bytes) of every file in a Qt binary resource (`.rcc`)."""
    b = Path(path).read_bytes()
    _, version, tree, data, names = struct.unpack(">4sIIII", b[:20])
    node_size = 22 if version >= 2 else 14

    def name(offset):
        n = struct.unpack(">H", b[names + offset : names + offset + 2])[0]
        return b[names + offset + 6 : names + offset + 6 + 2 * n].decode("utf-16-be")

    def walk(index, prefix):
        p = tree + index * node_size
        name_offset, flags = struct.unpack(">IH", b[p : p + 6])
        path = prefix + ("/" if prefix else "") + (name(name_offset) if index else "")
        if flags & 2:
            count, first = struct.unpack(">II", b[p + 6 : p + 14])
            for child in range(first, first + count):
                yield from walk(child, path)
            return
        o = data + struct.unpack(">I", b[p + 10 : p + 14])[0]
        content = b[o + 4 : o + 4 + struct.unpack(">I", b[o : o + 4])[0]]
        yield path, (zlib.decompress(content[4:]) if flags & 1 else content)

    yield from walk(0, "")


def dep5(path):
    """[(pattern, licence, holders)] of a machine-readable copyright file, in order; the last match wins."""
    out = []
    for stanza in Path(path).read_text(encoding="utf-8", errors="replace").split("\n\n"):
        files = re.match(r"Files:(.*?)\nCopyright:(.*?)\n(?=[A-Z])", stanza, re.S)
        licence = re.search(r"^License: *(.*)", stanza, re.M)
        if files and licence:
            holders = " ".join(files.group(2).split())
            out += [(pattern, licence.group(1).strip(), holders) for pattern in files.group(1).split()]
    return out


def prose(path):
    """The same from gnome-backgrounds' prose: `- NAME:` lines, then the copyright, then the licence."""
    out, names, holders = [], [], ""
    for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
        t = line.strip()
        if re.match(r"- \S+(\.jpg|\*):?$", t):
            names.append(t[2:].rstrip(":"))
            holders = ""
        elif t.startswith("Copyright") and names:
            holders = (holders + " " + t).strip()
        elif t.startswith("Licensed under") and names:
            kind = "CC-BY-SA-" if "ShareAlike" in t else "CC-BY-"
            version = re.search(r"(\d\.\d)", t).group(1)
            out += [(name, kind + version, holders) for name in names]
            names = []
    return out


def match(rules, path):
    """(licence, holders) of a path by the last rule that fits."""
    hits = [(licence, holders) for pattern, licence, holders in rules if fnmatch.fnmatchcase(path, pattern)]
    return hits[-1] if hits else ("unknown", "")


def copyright_file(raw, package):
    """Where a Debian package keeps its copyright."""
    return raw / f"x_{package}/usr/share/doc/{package}/copyright"


def gcompris(raw):
    """Pictures of the teaching programs; the package ships `.webp` made from the `.jpg` or `.png` that it lists."""
    rules = dep5(copyright_file(raw, "gcompris-qt-data"))
    stems = {}
    for pattern, licence, holders in rules:
        stems.setdefault(os.path.splitext(pattern)[0], (licence, holders))
    for resource in sorted((raw / "x_gcompris-qt-data").rglob("*.rcc")):
        if resource.stat().st_size < 200_000:
            continue
        for name, data in resource_files(resource):
            if name.lower().endswith(ENDINGS):
                path = "src/" + name.split("gcompris/src/", 1)[-1].lstrip("/")
                licence, holders = stems.get(os.path.splitext(path)[0]) or match(rules, path)
                yield f"gcompris-qt-data/{path}", licence, holders, data


def wallpapers(raw, package, licence_of):
    """Pictures of a wallpaper package; `licence_of` knows a file by its name."""
    for folder, _, files in os.walk(raw / f"x_{package}"):
        for file in sorted(files):
            if file.lower().endswith(ENDINGS):
                yield f"{package}/{file}", *licence_of(file), os.path.join(folder, file)


def wheels(raw):
    """The photographs that scikit-image and scikit-learn ship, with the credits of their documentation."""
    for file, (licence, holders) in SCIKIT_IMAGE.items():
        path = raw / f"wheels/scikit_image/skimage/data/{file}"
        if path.exists():
            yield f"scikit-image/{file}", licence, holders, path
    for file, holders in SCIKIT_LEARN.items():
        path = raw / f"wheels/scikit_learn/sklearn/datasets/images/{file}"
        if path.exists():
            yield f"scikit-learn/{file}", "CC-BY-2.0", holders, path


def pictures(raw):
    """(name, licence, holders, path or bytes) of every picture in the folder that `fetch.sh` filled."""
    yield from gcompris(raw)
    rules = dep5(copyright_file(raw, "lomiri-wallpapers-16.04"))
    named = {os.path.basename(pattern): (licence, holders) for pattern, licence, holders in rules}
    for package in ("lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04"):
        yield from wallpapers(raw, package, lambda file: named.get(file, ("unknown", "")))
    gnome = prose(copyright_file(raw, "gnome-backgrounds"))
    yield from wallpapers(raw, "gnome-backgrounds", lambda file: match(gnome, file))
    ukui = ("CC-BY-SA-3.0", "2013-2020 Ubuntu Kylin community contributors")
    yield from wallpapers(raw, "ukui-wallpapers", lambda _: ukui)
    yield from wheels(raw)
