//! What desktops and packagers read agrees with the program and with what lies in the tree.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// The id of the application everywhere: window, desktop file, metainfo, icons and bundles.
const ID: &str = "io.github.frescostudio.FrescoStudio";

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(here(path)).unwrap()
}

/// `[package.metadata.<packager>]` of `Cargo.toml`.
fn settings_of(packager: &str) -> Table {
    let manifest: Table = read("Cargo.toml").parse().unwrap();
    let settings = &manifest["package"]["metadata"][packager];
    settings.as_table().unwrap().clone()
}

/// Source and destination of each file in the `.deb`.
fn assets() -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let assets = settings_of("deb")["assets"].as_array().unwrap().clone();
    let pair = |asset: Value| (text(&asset[0]), text(&asset[1]));
    assets.into_iter().map(pair).collect()
}

/// What the desktop reads: `desktop`, `metainfo.xml` or `mime.xml`.
fn of_desktop(kind: &str) -> String {
    read(&format!("packaging/linux/{ID}.{kind}"))
}

fn desktop_entry(key: &str) -> String {
    let text = of_desktop("desktop");
    let mut values = text.lines().filter_map(|line| line.split_once('='));
    let found = values.find(|(name, _)| *name == key);
    found.unwrap_or_else(|| panic!("no {key}")).1.to_owned()
}

#[cfg(feature = "gui")]
#[test]
fn the_window_has_the_id() {
    assert_eq!(fresco_studio::ui::APP_ID, ID);
}

#[test]
fn desktop_file_metainfo_icons_and_bundles_have_one_id() {
    assert_eq!(desktop_entry("Icon"), ID);
    assert_eq!(desktop_entry("StartupWMClass"), ID);
    let metainfo = of_desktop("metainfo.xml");
    for line in [
        format!("<id>{ID}</id>"),
        format!("<launchable type=\"desktop-id\">{ID}.desktop</launchable>"),
        format!("<icon type=\"stock\">{ID}</icon>"),
    ] {
        assert!(metainfo.contains(&line), "{line}");
    }
    assert!(of_desktop("mime.xml").contains(&format!("<icon name=\"{ID}\"/>")));
    assert_eq!(settings_of("packager")["identifier"].as_str(), Some(ID));
}

#[test]
fn the_deb_installs_files_under_the_id() {
    // A destination that ends in a slash keeps the name of the source.
    let installed: Vec<PathBuf> = assets()
        .into_iter()
        .map(|(from, to)| {
            if to.ends_with('/') {
                Path::new(&to).join(Path::new(&from).file_name().unwrap())
            } else {
                to.into()
            }
        })
        .collect();
    for (folder, name) in [
        ("applications", format!("{ID}.desktop")),
        ("metainfo", format!("{ID}.metainfo.xml")),
        ("mime/packages", format!("{ID}.xml")),
    ] {
        let path = Path::new("usr/share").join(folder).join(name);
        assert!(installed.contains(&path), "{}", path.display());
    }
    let icons = installed
        .iter()
        .filter(|to| to.starts_with("usr/share/icons/hicolor"));
    let stems: Vec<_> = icons.filter_map(|to| to.file_stem()).collect();
    assert!(!stems.is_empty());
    assert!(stems.iter().all(|stem| *stem == ID), "{stems:?}");
}

#[test]
fn the_newest_release_is_this_version() {
    let metainfo = of_desktop("metainfo.xml");
    let newest = format!(
        "<releases>\n    <release version=\"{}\"",
        env!("CARGO_PKG_VERSION")
    );
    assert!(metainfo.contains(&newest));
}

#[test]
fn the_mime_type_of_projects_is_the_same_everywhere() {
    let mime = "application/x-fresco-studio";
    assert!(desktop_entry("MimeType").split(';').any(|it| it == mime));
    for file in ["metainfo.xml", "mime.xml"] {
        let text = of_desktop(file);
        assert!(text.contains(mime), "{file}");
    }
}

#[test]
fn icons_are_there_in_the_sizes_that_they_are_installed_as() {
    let mut n_sizes = 0;
    for (from, to) in assets() {
        // Made by the build.
        if from.starts_with("target/") {
            continue;
        }
        assert!(here(&from).exists(), "{from}");
        let Some(folder) = to.strip_prefix("usr/share/icons/hicolor/") else {
            continue;
        };
        let size = folder.split(['x', '/']).next().unwrap().parse();
        if let Ok(size) = size {
            assert_eq!(image::image_dimensions(here(&from)).unwrap(), (size, size));
            n_sizes += 1;
        }
    }
    assert!(n_sizes >= 8);
    for icon in settings_of("packager")["icons"].as_array().unwrap() {
        let icon = icon.as_str().unwrap();
        assert!(here(icon).exists(), "{icon}");
    }
}
