//! Every cause of trouble has an error of its own, with words that say what to do.

use std::fs;
use std::path::{Path, PathBuf};

use fresco_studio::video::{Decoder, Ffmpeg, TimestampIndex, VideoError, probe};

use super::{Clips, numbers};

fn refused(clips: &Clips, path: &Path) -> (VideoError, String) {
    let error = probe(&clips.ffmpeg, path).unwrap_err();
    let text = error.to_string();
    assert!(
        text.ends_with(path.to_str().unwrap()),
        "the path comes last: {text}"
    );
    (error, text)
}

#[test]
fn a_missing_ffmpeg_is_named_with_a_way_to_get_it() {
    let empty = tempfile::tempdir().unwrap();
    for place in [Path::new("/nowhere/ffmpeg"), empty.path()] {
        let error = Ffmpeg::find(Some(place)).unwrap_err();
        assert!(matches!(error, VideoError::NotFound { .. }));
        assert!(
            error
                .to_string()
                .starts_with("FFmpeg was not found. It reads and writes video files")
        );
        assert!(error.hint().unwrap().contains("install"));
    }
}

#[test]
fn ffmpeg_is_found_by_folder_and_by_file() {
    let Some(clips) = Clips::new() else { return };
    let path = std::env::var_os("PATH").unwrap();
    let file = std::env::split_paths(&path)
        .map(|folder| {
            folder
                .join("ffmpeg")
                .with_extension(std::env::consts::EXE_EXTENSION)
        })
        .find(|file| file.is_file())
        .unwrap();
    for place in [file.as_path(), file.parent().unwrap()] {
        assert_eq!(
            Ffmpeg::find(Some(place)).unwrap().version(),
            clips.ffmpeg.version()
        );
    }
}

#[cfg(unix)]
#[test]
fn an_old_ffmpeg_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    for name in ["ffmpeg", "ffprobe"] {
        let path = folder.path().join(name);
        fs::write(&path, "#!/bin/sh\necho ffmpeg version 3.4.11 Copyright\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let error = Ffmpeg::find(Some(folder.path())).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("FFmpeg 3.4 is too old. Version 5.1 or newer is needed"),
        "{text}"
    );
}

#[test]
fn files_that_are_no_video_are_told_apart() {
    let Some(clips) = Clips::new() else { return };
    let (error, text) = refused(&clips, &clips.path("gone.mp4"));
    assert!(matches!(error, VideoError::MissingFile { .. }), "{text}");

    fs::write(clips.path("empty.mp4"), "").unwrap();
    let (error, text) = refused(&clips, &clips.path("empty.mp4"));
    assert!(matches!(error, VideoError::EmptyFile { .. }), "{text}");

    for name in ["text.mp4", "text.txt"] {
        fs::write(
            clips.path(name),
            "This is a letter, not a film.\n".repeat(100),
        )
        .unwrap();
        let (error, text) = refused(&clips, &clips.path(name));
        assert!(matches!(error, VideoError::NotMedia { .. }), "{text}");
    }

    let (error, text) = refused(
        &clips,
        &clips.make("tone.m4a", &["-f", "lavfi", "-i", "sine=d=1"]),
    );
    assert!(matches!(error, VideoError::NoPicture { .. }));
    assert!(text.contains("tone.m4a has no picture track"), "{text}");

    let (error, _) = refused(&clips, clips.folder.path());
    assert!(
        matches!(
            error,
            VideoError::NotMedia { .. } | VideoError::Unreadable { .. }
        ),
        "{error:?}"
    );
}

#[test]
fn one_frame_is_too_short() {
    let Some(clips) = Clips::new() else { return };
    for name in ["one.mp4", "one.mkv", "one.png"] {
        let path = clips.make(
            name,
            &["-f", "lavfi", "-i", "testsrc=s=64x48", "-frames:v", "1"],
        );
        let (error, text) = refused(&clips, &path);
        assert!(matches!(error, VideoError::TooShort { .. }));
        assert!(
            text.starts_with("One frame only. Open a video of two frames or more"),
            "{text}"
        );
    }
}

fn cut(path: &Path, name: &str, part: f64) -> PathBuf {
    let bytes = fs::read(path).unwrap();
    let cut = path.with_file_name(name);
    fs::write(&cut, &bytes[..(bytes.len() as f64 * part) as usize]).unwrap();
    cut
}

#[test]
fn a_file_cut_off_gives_its_good_frames_and_then_an_error() {
    let Some(clips) = Clips::new() else { return };
    let noisy = [
        "-vf",
        "noise=alls=8:allf=t",
        "-c:v",
        "libx264",
        "-bf",
        "2",
        "-g",
        "10",
    ];
    for (name, total) in [("a.mp4", Some(50)), ("a.mkv", None)] {
        let args = [&noisy[..], &["-movflags", "+faststart"]].concat();
        let args = if name == "a.mkv" { &noisy[..] } else { &args };
        let whole = clips.numbered(name, "160x120", 50, args);
        let path = cut(&whole, &format!("cut-{name}"), 0.6);
        let info = clips.probe(&path);
        let strict = TimestampIndex::read(&clips.ffmpeg, &info).unwrap_err();
        let (index, error) = TimestampIndex::read_usable(&clips.ffmpeg, &info).unwrap();
        let n = index.len();
        assert!((20..40).contains(&n), "{name}: {n}");
        for error in [strict, error.unwrap()] {
            let text = error.to_string();
            let VideoError::Broken {
                readable,
                total: found,
                ..
            } = error
            else {
                panic!("{error:?}")
            };
            assert_eq!((readable, found), (n, total), "{name}");
            let of = total
                .map(|total| format!(" of {total}"))
                .unwrap_or_default();
            let words = format!("Reading stopped at frame {n}{of}. The first {n} can be used");
            assert!(text.starts_with(&words), "{text}");
        }
        assert_eq!(
            numbers(&clips.decode(&info, n)),
            (0..n).collect::<Vec<_>>(),
            "no error within them"
        );
        let (frames, error) = clips.decode_until_error(&info, 50);
        assert_eq!(frames.len(), n);
        let error = error.unwrap();
        let expected =
            matches!(error, VideoError::Broken { readable, total: Some(50), .. } if readable == n);
        assert!(expected, "{error:?}");
    }
}

#[test]
fn a_file_whose_rest_never_arrived_is_broken() {
    let Some(clips) = Clips::new() else { return };
    let noisy = [
        "-vf",
        "noise=alls=8:allf=t",
        "-c:v",
        "libx264",
        "-movflags",
        "+faststart",
    ];
    let path = clips.numbered("a.mp4", "160x120", 50, &noisy);
    let mut bytes = fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0);
    fs::write(&path, bytes).unwrap();
    let info = clips.probe(&path);
    let error = TimestampIndex::read(&clips.ffmpeg, &info).unwrap_err();
    assert!(
        matches!(
            error,
            VideoError::Broken {
                readable: 10..40,
                total: Some(50),
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_file_cut_before_its_index_is_broken_from_the_beginning() {
    let Some(clips) = Clips::new() else { return };
    let whole = clips.numbered("a.mp4", "64x48", 50, &[]);
    let (error, text) = refused(&clips, &cut(&whole, "cut.mp4", 0.7));
    assert!(matches!(error, VideoError::Broken { readable: 0, .. }));
    assert!(text.contains("damaged"), "{text}");
}

#[test]
fn a_source_that_goes_away_is_missing() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.numbered("a.mp4", "64x48", 5, &[]);
    let info = clips.probe(&path);
    fs::remove_file(&path).unwrap();
    let error = Decoder::open(&clips.ffmpeg, &info, 0..5).err().unwrap();
    assert!(matches!(error, VideoError::MissingFile { .. }));
}
