//! A failed encoding has an error of its own kind, leaves an earlier file alone, and nothing beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fresco_studio::frame::{Frame, FrameIdx, Size};
use fresco_studio::video::{EncodeConfig, Encoder, Ratio, TimestampIndex, VideoError};

use super::Clips;

const SIZE: Size = Size {
    width: 640,
    height: 480,
};

/// Pictures that do not compress.
fn noise(seed: u32) -> Frame {
    Frame::from_fn(SIZE, |x, y| {
        let hash = (x ^ y.rotate_left(9) ^ seed.rotate_left(18)).wrapping_mul(0x9E37_79B1);
        let hash = (hash ^ (hash >> 15)).wrapping_mul(0x85EB_CA77);
        [hash as u8, (hash >> 8) as u8, (hash >> 16) as u8]
    })
}

/// Writes frames until something fails.
fn write_all(clips: &Clips, path: &Path, n_frames: usize) -> Result<(), VideoError> {
    let index = TimestampIndex::constant(Ratio { num: 25, den: 1 }, n_frames);
    let config = EncodeConfig::new(SIZE);
    let mut encoder = Encoder::create(&clips.ffmpeg, path, &index, 0..n_frames, &config)?;
    for n in 0..n_frames {
        encoder.push(&noise(n as u32))?;
    }
    encoder.finish().map(drop)
}

fn names_in(folder: &Path) -> Vec<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// A small file system; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: PathBuf) -> Option<Self> {
        fs::create_dir(&path).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(&path)
            .output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(path)),
            _ => {
                eprintln!("skipped: mounting a small disk needs root");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_leaves_the_earlier_file_and_nothing_else() {
    let Some(clips) = Clips::new() else { return };
    let Some(disk) = SmallDisk::mount(clips.path("disk")) else {
        return;
    };
    for name in ["a.mp4", "a.mkv"] {
        let path = disk.0.join(name);
        fs::write(&path, "earlier").unwrap();
        // Full while frames come, and full only at the end, when FFmpeg empties its buffers.
        for n_frames in [90, 12] {
            let error = write_all(&clips, &path, n_frames).unwrap_err();
            assert!(
                matches!(error, VideoError::DiskFull { .. }),
                "{n_frames}: {error:?}"
            );
            assert!(error.to_string().starts_with("the disk is full"));
            assert_eq!(fs::read(&path).unwrap(), b"earlier");
            assert_eq!(names_in(&disk.0), [name]);
        }
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_place_that_cannot_be_written_is_refused_at_once() {
    let Some(clips) = Clips::new() else { return };
    let file = clips.path("file");
    fs::write(&file, "").unwrap();
    for path in [
        file.join("a.mp4"),
        clips.path("no such folder/a.mp4"),
        PathBuf::from("/proc/a.mp4"),
    ] {
        let error = write_all(&clips, &path, 2).unwrap_err();
        assert!(matches!(error, VideoError::NotWritable { .. }), "{error:?}");
    }
    let error = write_all(&clips, &clips.path("a.avi"), 2).unwrap_err();
    assert!(
        matches!(error, VideoError::UnknownContainer { .. }),
        "{error:?}"
    );
}

#[test]
fn an_abandoned_or_wrong_encoding_leaves_nothing() {
    let Some(clips) = Clips::new() else { return };
    let folder = clips.path("out");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("a.mp4");
    fs::write(&path, "earlier").unwrap();
    let index = TimestampIndex::constant(Ratio { num: 25, den: 1 }, 2);
    let create =
        || Encoder::create(&clips.ffmpeg, &path, &index, 0..2, &EncodeConfig::new(SIZE)).unwrap();

    let mut abandoned = create();
    abandoned.push(&noise(0)).unwrap();
    drop(abandoned);

    let mut short = create();
    short.push(&noise(0)).unwrap();
    let error = short.finish().unwrap_err();
    assert!(
        matches!(
            error,
            VideoError::FrameCount {
                expected: 2,
                found: 1,
                ..
            }
        ),
        "{error:?}"
    );

    let mut long = create();
    for n in 0..2 {
        long.push(&noise(n)).unwrap();
    }
    let error = long.push(&noise(2)).unwrap_err();
    assert!(
        matches!(
            error,
            VideoError::FrameCount {
                expected: 2,
                found: 3,
                ..
            }
        ),
        "{error:?}"
    );
    drop(long);

    let small = Frame::from_fn(
        Size {
            width: 2,
            height: 2,
        },
        |_, _| [0; 3],
    );
    let error = create().push(&small).unwrap_err();
    assert!(
        matches!(
            error,
            VideoError::FrameSize {
                frame: FrameIdx(0),
                ..
            }
        ),
        "{error:?}"
    );

    assert_eq!(fs::read(&path).unwrap(), b"earlier");
    assert_eq!(names_in(&folder), ["a.mp4"]);
    let beyond = Encoder::create(&clips.ffmpeg, &path, &index, 1..3, &EncodeConfig::new(SIZE))
        .err()
        .unwrap();
    assert!(matches!(beyond, VideoError::NoSuchFrames { .. }));
}
