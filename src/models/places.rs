//! Where the files of helper networks lie in the models folder.

use std::path::{Path, PathBuf};

use super::pickled::{ENDINGS, is_pickle};

/// The first of `files` that is there, in the folder `own` of the models folder or in the models folder itself. One
/// that is a pickle may have another of their endings.
pub(super) fn find(models: &Path, own: &str, files: &[&str]) -> Option<PathBuf> {
    let folders = [models.join(own), models.to_owned()];
    let mut paths = folders
        .iter()
        .flat_map(|folder| files.iter().map(|file| folder.join(file)));
    let found = paths.find(|path| path.is_file());
    found.or_else(|| {
        let mut paths = folders.iter().flat_map(|folder| {
            let pickles = files.iter().filter(|file| is_pickle(Path::new(file)));
            pickles.flat_map(|file| ENDINGS.map(|ending| folder.join(file).with_extension(ending)))
        });
        paths.find(|path| path.is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pickles_are_found_by_all_their_endings_and_after_the_published_name() {
        let models = tempfile::tempdir().unwrap();
        let files = ["net.pth", "net.safetensors"];
        let found = || find(models.path(), "net", &files);
        for name in ["net.onnx", "net.bin", "net.safetensors", "net.pth"] {
            let path = models.path().join(name);
            std::fs::write(&path, b"").unwrap();
            assert_eq!(found(), (name != "net.onnx").then_some(path));
        }
        let other = models.path().join("other.bin");
        std::fs::write(other, b"").unwrap();
        assert_eq!(find(models.path(), "", &["other.safetensors"]), None);
    }
}
