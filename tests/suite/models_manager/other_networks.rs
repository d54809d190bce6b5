//! Whole files of other networks under the names of the catalogue: told apart by what they hold, in their place and
//! after a download.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use fresco_studio::models::checkpoint::TensorList;
use fresco_studio::models::download::{CheckedBy, DownloadError, Hub, Receipt, Record, get};
use fresco_studio::models::library::{Entry, Places, Role, State, catalogue, misfit, scan};

use super::server::{Server, TAG, serve};
use super::{bytes_of, published, put, small_decoder};
use crate::golden::fixture;
use crate::single_files::hollow_of;

/// What the file of an entry holds.
fn tensors_of(entry: &Entry) -> TensorList {
    let keys = match (entry.role, entry.id.0.as_str()) {
        (Role::Checkpoint, _) => "sd15/single_file.keys.txt",
        (Role::Vae, _) => "sd-vae-ft-mse/keys.txt",
        (Role::ControlNet, _) => "controlnet-sd15/keys.txt",
        (Role::Lora, _) => return lora(),
        (Role::Helper, "taesd") => "taesd/diffusers.keys.txt",
        (Role::Helper, id) => &format!("{id}/keys.txt"),
    };
    published(keys)
}

fn lora() -> TensorList {
    let layer = "lora_unet_mid_block_attentions_0_proj_in";
    let part = |end: &str, shape: [usize; 4]| (format!("{layer}.{end}.weight"), shape.to_vec());
    let parts = [
        part("lora_down", [4, 1280, 1, 1]),
        part("lora_up", [1280, 4, 1, 1]),
    ];
    parts.into_iter().collect()
}

fn entry(id: &str) -> &'static Entry {
    let mut entries = catalogue().iter();
    entries.find(|entry| entry.id.0 == id).unwrap()
}

/// A file in a folder of its own, the name of which says that it can be read without a pickle.
struct File(tempfile::TempDir);

impl File {
    fn misfit(&self, entry: &Entry, tensors: &TensorList) -> Option<String> {
        let path = self.0.path().join("file.safetensors");
        hollow_of(&path, tensors, ("F16", 2));
        misfit(entry, &path)
    }
}

#[test]
fn every_file_of_the_catalogue_is_known_by_its_tensors() {
    let file = File(tempfile::tempdir().unwrap());
    for entry in catalogue() {
        let tensors = tensors_of(entry);
        assert_eq!(file.misfit(entry, &tensors), None, "{}", entry.id);

        let mut less = tensors.clone();
        let (name, _) = less.pop_first().unwrap();
        let told = file.misfit(entry, &less);
        assert!(told.is_some(), "{} without {name}", entry.id);

        for other in ["sd15", "controlnet-hed", "sd-vae-ft-mse", "lcm-lora-sdv1-5"] {
            let other = self::entry(other);
            if other.role != entry.role {
                let told = file.misfit(entry, &tensors_of(other));
                let told = told.unwrap_or_else(|| panic!("{} as {}", other.id, entry.id));
                assert!(told.contains("another network"), "{}: {told}", entry.id);
            }
        }
        for other in catalogue()
            .iter()
            .filter(|other| other.role == Role::Helper)
        {
            if other.id != entry.id {
                let told = file.misfit(entry, &tensors_of(other));
                assert!(told.is_some(), "{} as {}", other.id, entry.id);
            }
        }
    }
}

#[test]
fn a_tensor_of_another_shape_is_told() {
    let file = File(tempfile::tempdir().unwrap());
    let mut tensors = published("hed/keys.txt");
    tensors.insert("block1.convs.0.weight".to_owned(), vec![64, 4, 3, 3]);
    let told = file.misfit(entry("hed"), &tensors).unwrap();
    assert!(told.contains("block1.convs.0.weight is"), "{told}");
}

/// The state of an entry whose file in the models folder is this one.
fn state_of(entry: &Entry, models: &Path) -> State {
    let library = scan(&Places::from(models.to_owned()));
    let mut entries = library.entries.into_iter();
    entries.find(|(other, _)| other.id == entry.id).unwrap().1
}

#[test]
fn a_pickle_of_another_network_is_not_ready() {
    fixture::for_each("torch_pickle", |fixture| {
        let models = tempfile::tempdir().unwrap();
        let hed = entry("hed");
        let bytes = std::fs::read(fixture.path.join("zip_plain.pth")).unwrap();
        put(&hed.place(models.path()), &bytes);
        let State::Damaged { reason, .. } = state_of(hed, models.path()) else {
            panic!("{:?}", state_of(hed, models.path()));
        };
        assert!(reason.contains("another network"), "{reason}");
    });
}

#[test]
fn what_nobody_has_hashed_is_not_called_compared() {
    let models = tempfile::tempdir().unwrap();
    let mut known = catalogue().iter().filter(|entry| entry.sha256.is_some());
    let known = known
        .find(|entry| !fresco_studio::models::checkpoint::is_pickle(Path::new(&entry.file)))
        .unwrap();
    let place = known.place(models.path());
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    hollow_of(&place, &tensors_of(known), ("F32", 4));
    let file = std::fs::OpenOptions::new()
        .append(true)
        .open(&place)
        .unwrap();
    let n_bytes = file.metadata().unwrap().len();
    let unchecked = State::Unchecked {
        path: place.clone(),
    };
    if !known.is_exact || known.bytes == n_bytes {
        assert_eq!(state_of(known, models.path()), unchecked);
    }
    let record = |modified: std::time::SystemTime, hash: &str| {
        let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
        let text = format!(
            "address = \"x\"\nbytes = {n_bytes}\nsha256 = \"{hash}\"\nchecked_by = \"catalogue\"\n\
             modified_ms = {}\n",
            since.as_millis()
        );
        let name = format!("{}.source.toml", known.file_name());
        put(&place.with_file_name(name), text.as_bytes());
        state_of(known, models.path())
    };
    let (now, hash) = (
        file.metadata().unwrap().modified().unwrap(),
        known.sha256.as_deref().unwrap(),
    );
    let ready = State::Ready {
        path: place.clone(),
    };
    let earlier = now - std::time::Duration::from_mins(1);
    assert_eq!(record(now, hash), ready);
    assert_eq!(record(earlier, hash), unchecked);
    assert_eq!(record(now, "00"), unchecked);
}

/// A hub that has this file under every name, and a folder for models.
struct Desk {
    server: Server,
    models: tempfile::TempDir,
}

impl Desk {
    fn new(file: Vec<u8>) -> Self {
        let answer =
            move |_, asked: &_, stream: &mut _| serve(asked, stream, &file, TAG, usize::MAX);
        Self {
            server: Server::start(answer),
            models: tempfile::tempdir().unwrap(),
        }
    }

    fn place(&self) -> PathBuf {
        entry("taesd").place(self.models.path())
    }

    /// Fetches the small decoder.
    fn get(&self) -> Result<Receipt, DownloadError> {
        let mut hub = Hub::from_variables(|_| None);
        hub.endpoint.clone_from(&self.server.address);
        let mut watch = |_| ControlFlow::Continue(());
        get(entry("taesd"), self.models.path(), &hub, &mut watch)
    }
}

#[test]
fn a_download_of_another_network_is_refused_and_nothing_kept() {
    let mut less = published("taesd/diffusers.keys.txt");
    less.remove("decoder.layers.1.conv.0.bias");
    less.remove("decoder.layers.0.bias");
    for (tensors, words) in [(lora(), "LoRA instead of Helper"), (less, "missing")] {
        let desk = Desk::new(bytes_of(&tensors));
        let error = desk.get().unwrap_err();
        assert!(matches!(error, DownloadError::NotIt { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.hint().unwrap().contains("nothing of it was kept"));
        assert!(!desk.place().exists());
        assert_eq!(state_of(entry("taesd"), desk.models.path()), State::Missing);
    }
}

#[test]
fn another_network_in_the_place_is_replaced() {
    let desk = Desk::new(small_decoder());
    put(&desk.place(), &bytes_of(&lora()));
    let before = state_of(entry("taesd"), desk.models.path());
    assert!(matches!(before, State::Damaged { .. }), "{before:?}");
    desk.get().unwrap();
    let ready = State::Ready { path: desk.place() };
    assert_eq!(state_of(entry("taesd"), desk.models.path()), ready);
    assert!(std::fs::read(desk.place()).unwrap() == small_decoder());
    // What is there now is not fetched again.
    desk.get().unwrap();
    assert_eq!(desk.server.asked().len(), 1);
}

#[test]
fn bytes_that_changed_since_they_were_compared_are_fetched_again() {
    let desk = Desk::new(small_decoder());
    let first = desk.get().unwrap();
    let mut spoilt = small_decoder();
    *spoilt.last_mut().unwrap() ^= 1;
    put(&desk.place(), &spoilt);
    assert_eq!(desk.get().unwrap(), first);
    assert!(std::fs::read(desk.place()).unwrap() == small_decoder());
    assert_eq!(desk.server.asked().len(), 2);
}

#[test]
fn a_file_put_there_by_hand_is_hashed_and_the_hash_noted() {
    let desk = Desk::new(Vec::new());
    put(&desk.place(), &small_decoder());
    assert_eq!(Record::beside(&desk.place()), None);
    let receipt = desk.get().unwrap();
    assert_eq!(receipt.checked_by, CheckedBy::Nobody);
    let record = Record::beside(&desk.place()).unwrap();
    assert_eq!(record.sha256, receipt.sha256);
    assert!(record.is_of(&std::fs::metadata(desk.place()).unwrap()));
    assert_eq!(desk.server.asked().len(), 0);
}
