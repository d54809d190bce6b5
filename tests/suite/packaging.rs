//! What desktops and packagers read agrees with the program and with what lies in the tree.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// The id of the application where one in reverse domain order is asked for.
const BUNDLE_ID: &str = "io.github.frescostudio.FrescoStudio";

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

fn desktop_entry(key: &str) -> String {
    let text = read("packaging/linux/fresco-studio.desktop");
    let mut values = text.lines().filter_map(|line| line.split_once('='));
    let found = values.find(|(name, _)| *name == key);
    found.unwrap_or_else(|| panic!("no {key}")).1.to_owned()
}

#[cfg(feature = "gui")]
#[test]
fn the_windows_desktop_file_and_icon_have_its_id() {
    use fresco_studio::ui::APP_ID;

    let destinations: Vec<_> = assets().into_iter().map(|(_, to)| to).collect();
    let desktop = destinations
        .iter()
        .any(|to| to == "usr/share/applications/");
    assert!(desktop && here(&format!("packaging/linux/{APP_ID}.desktop")).exists());
    assert_eq!(desktop_entry("Icon"), APP_ID);
    assert_eq!(desktop_entry("StartupWMClass"), APP_ID);
    let metainfo = read("packaging/linux/fresco-studio.metainfo.xml");
    let launchable = format!("<launchable type=\"desktop-id\">{APP_ID}.desktop</launchable>");
    assert!(metainfo.contains(&launchable));
    let icons = destinations.iter().filter(|to| to.contains("/hicolor/"));
    let stems: Vec<_> = icons.filter_map(|to| Path::new(to).file_stem()).collect();
    assert!(!stems.is_empty());
    assert!(stems.iter().all(|stem| *stem == APP_ID), "{stems:?}");
}

#[test]
fn the_newest_release_is_this_version() {
    let metainfo = read("packaging/linux/fresco-studio.metainfo.xml");
    let newest = format!(
        "<releases>\n    <release version=\"{}\"",
        env!("CARGO_PKG_VERSION")
    );
    assert!(metainfo.contains(&newest));
}

#[test]
fn bundles_and_metainfo_have_one_id() {
    let metainfo = read("packaging/linux/fresco-studio.metainfo.xml");
    assert!(metainfo.contains(&format!("<id>{BUNDLE_ID}</id>")));
    assert_eq!(
        settings_of("packager")["identifier"].as_str(),
        Some(BUNDLE_ID)
    );
    let name = format!("usr/share/metainfo/{BUNDLE_ID}.metainfo.xml");
    assert!(assets().iter().any(|(_, to)| *to == name));
}

#[test]
fn the_mime_type_of_projects_is_the_same_everywhere() {
    let mime = "application/x-fresco-studio";
    assert!(desktop_entry("MimeType").split(';').any(|it| it == mime));
    for file in ["metainfo.xml", "mime.xml"] {
        let text = read(&format!("packaging/linux/fresco-studio.{file}"));
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
