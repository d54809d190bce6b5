#!/usr/bin/env bash
# Checks the desktop's files and builds the .deb; prints where it is. Called by `make package`.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=3.8.0
tools=target/tools

desktop-file-validate packaging/linux/io.github.frescostudio.FrescoStudio.desktop
# Only notes count as passed: a warning is a failure too.
appstreamcli validate --no-net packaging/linux/io.github.frescostudio.FrescoStudio.metainfo.xml >&2

# In the build folder, so that the user's own tools stay as they are.
if ! "$tools/bin/cargo-deb" --version 2>/dev/null | grep -q -F "$version"; then
    cargo install cargo-deb --locked --version "$version" --root "$tools" --target-dir "$tools/build" >&2
    rm -rf "$tools/build"
fi

packaging/third-party.sh
gzip -9nkf target/packaging/third-party.txt

# Debian's own changelog is about the package; what is new in the program is in NEWS.
package=$(cargo pkgid --locked)
maintainer=$(sed -n 's/^maintainer = "\(.*\)"$/\1/p' Cargo.toml)
cat >target/packaging/changelog <<END
fresco-studio (${package##*[#@]}-1) unstable; urgency=medium

  * Built from the sources; NEWS.gz says what is new.

 -- $maintainer  $(date --utc --rfc-email --date="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct || date +%s)}")
END

PATH="$PWD/$tools/bin:$PATH" cargo deb --locked
