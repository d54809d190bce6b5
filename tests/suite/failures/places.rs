//! Folders that cannot be written, and disks that are full.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{EARLIER, Trial};
use crate::support::{MOVING, names_in, run, set};

#[test]
fn places_that_cannot_be_written() {
    let Some(trial) = Trial::new() else { return };
    let clip = trial.studio.clip("clip.mp4", MOVING, 2);
    let file = trial.studio.path("file");
    fs::write(&file, "").unwrap();
    let into = |place: &Path| place.join("new.mp4").to_str().unwrap().to_owned();
    let with = |name: &str, value: &str| {
        let mut flags = trial.flags(&clip, &[]);
        set(&mut flags, name, value);
        run(&flags)
    };
    let missing = trial.studio.path("missing");
    for folder in [&file, &missing] {
        let words = [
            "--out: no such folder; create it first: ",
            folder.to_str().unwrap(),
        ];
        trial.check(with("--out", &into(folder)), 1, &words);
    }
    trial.check(
        with("--work", &into(&file)),
        1,
        &["cannot create the folder", "what to do: "],
    );
    trial.check(
        with("--out", clip.to_str().unwrap()),
        2,
        &["the result would replace the source"],
    );
    let disguised = trial.studio.path("results/../clip.mp4");
    let replaced = ["the result would replace the source; choose another name"];
    trial.check(with("--out", disguised.to_str().unwrap()), 1, &replaced);
    if cfg!(target_os = "linux") {
        let words = ["cannot write here; choose another folder: /proc"];
        trial.check(with("--out", "/proc/new.mp4"), 1, &words);
    }
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
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(path));
        }
        eprintln!("skipped: mounting a small disk needs root");
        None
    }

    /// Leaves room for so many bytes.
    fn fill(&self, room: u64) {
        let path = self.0.join("filler");
        // The file system says when it is full.
        let _ = fs::write(&path, vec![0; 4 << 20]);
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(file.metadata().unwrap().len() - room).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk() {
    let Some(trial) = Trial::new() else { return };
    let clip = trial.studio.clip("clip.mp4", "testsrc2=s=320x240:r=8", 6);
    let Some(disk) = SmallDisk::mount(trial.studio.path("disk")) else {
        return;
    };
    let with = |name: &str, value: &Path| {
        let mut flags = trial.flags(&clip, &[]);
        set(&mut flags, name, value.to_str().unwrap());
        run(&flags)
    };
    let full = ["the disk is full; free some space or choose another folder: "];

    let out = disk.0.join("out.mp4");
    fs::write(&out, EARLIER).unwrap();
    disk.fill(8 << 10);
    trial.check(with("--out", &out), 1, &full);
    assert_eq!(fs::read(&out).unwrap(), EARLIER);
    assert_eq!(
        names_in(&disk.0),
        ["filler", "out.mp4"],
        "no part of a video is left"
    );

    // Frames, keyframes and journal: wherever it gets full, it says so.
    for room in [16 << 10, 72 << 10] {
        disk.fill(room);
        let ended = with("--work", &disk.0.join("work"));
        trial.check(ended, 1, &["what to do: "]);
        fs::remove_dir_all(disk.0.join("work")).unwrap();
    }
    assert_eq!(fs::read(&out).unwrap(), EARLIER);
    fs::remove_file(disk.0.join("filler")).unwrap();
    with("--work", &disk.0.join("work")).assert_finished();
}
