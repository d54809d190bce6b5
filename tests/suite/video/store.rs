//! The frame store keeps what it is given, in order.

use std::fs;

use fresco_studio::frame::{Frame, FrameIdx, Size};
use fresco_studio::video::{FrameStore, VideoError};

fn picture(seed: u32) -> Frame {
    Frame::from_fn(
        Size {
            width: 7,
            height: 5,
        },
        |x, y| [x as u8 * 30, y as u8 * 40, seed as u8],
    )
}

#[test]
fn frames_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let store = FrameStore::open(&folder.path().join("a/frames")).unwrap();
    assert!(store.is_empty().unwrap());
    store.write(FrameIdx(3), &picture(1)).unwrap();
    store.write(FrameIdx(3), &picture(2)).unwrap();
    assert_eq!(store.read(FrameIdx(3)).unwrap(), picture(2));
    assert!(store.contains(FrameIdx(3)) && !store.contains(FrameIdx(4)));
    assert!(matches!(store.read(FrameIdx(4)), Err(VideoError::Frame(_))));
}

#[test]
fn frames_are_listed_by_number_and_other_files_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = FrameStore::open(folder.path()).unwrap();
    let numbers = [1_000_000, 9, 10_000, 999_999, 0, 9_999];
    for number in numbers {
        store.write(FrameIdx(number), &picture(0)).unwrap();
    }
    for name in ["notes.txt", "12.png", "00000a.png", ".partial-000007.png"] {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    let expected = [0, 9, 9_999, 10_000, 999_999, 1_000_000].map(FrameIdx);
    assert_eq!(store.list().unwrap(), expected);
    assert_eq!(store.len().unwrap(), 6);
    assert!(store.path(FrameIdx(9)).ends_with("000009.png"));
}

#[test]
fn a_folder_that_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    let error = FrameStore::open(&folder.path().join("file/frames")).unwrap_err();
    assert!(matches!(error, VideoError::NotWritable { .. }), "{error:?}");
}
