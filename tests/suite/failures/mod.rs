//! Every kind of trouble, through the real program: what it says, how it ends, and that nothing is lost.

mod models;
mod places;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fresco_studio::pipeline::journal::Journal;

use crate::support::{Ended, MOVING, Program, Studio, frame_times, names_in, run, unset};

const EARLIER: &[u8] = b"an earlier result";

/// A job that is going to fail, beside an earlier result.
struct Trial {
    studio: Studio,
    out: PathBuf,
}

impl Trial {
    fn new() -> Option<Self> {
        let studio = Studio::new()?;
        let out = studio.out("out.mp4");
        fs::write(&out, EARLIER).unwrap();
        Some(Self { studio, out })
    }

    fn flags(&self, source: &Path, more: &[&str]) -> Vec<String> {
        let mut flags = self.studio.flags(source, "out.mp4");
        if more
            .first()
            .is_some_and(|flag| flag.starts_with("--keyframe"))
        {
            unset(&mut flags, "--keyframe-gap");
        }
        flags.extend(more.iter().map(|&flag| flag.to_owned()));
        flags
    }

    /// Runs it; it must end with `code`, say all of `words`, and leave the earlier result alone.
    fn fails(&self, source: &Path, more: &[&str], code: i32, words: &[&str]) {
        self.check(run(&self.flags(source, more)), code, words);
    }

    fn check(&self, ended: Ended, code: i32, words: &[&str]) {
        let errors = &ended.errors;
        assert_eq!(ended.code, Some(code), "{words:?}: {errors}");
        for word in words {
            assert!(errors.contains(word), "\"{word}\" is not in: {errors}");
        }
        assert!(errors.contains("error: "), "{errors}");
        assert!(!errors.contains("panicked"), "{errors}");
        let last = ended.events.last().unwrap();
        assert_eq!(last["event"], "failed");
        assert_eq!(fs::read(&self.out).unwrap(), EARLIER);
        assert_eq!(
            names_in(self.out.parent().unwrap()),
            ["out.mp4"],
            "{words:?}"
        );
    }
}

#[test]
fn a_source_that_is_no_usable_video() {
    let Some(trial) = Trial::new() else { return };
    let studio = &trial.studio;
    let write = |name: &str, content: &str| {
        fs::write(studio.path(name), content).unwrap();
        studio.path(name)
    };
    let letter = write("letter.mp4", &"This is a letter, not a film.\n".repeat(100));
    trial.fails(
        &letter,
        &[],
        1,
        &["letter.mp4 is not a video file. Open another"],
    );
    let empty = write("empty.mp4", "");
    trial.fails(
        &empty,
        &[],
        1,
        &["empty.mp4 is empty (0 bytes). Open another"],
    );
    let sound = studio.make("sound.mp4", &["-f", "lavfi", "-i", "sine=d=1"]);
    trial.fails(
        &sound,
        &[],
        1,
        &["sound.mp4 has no picture track. Open another"],
    );
    let still = studio.clip("still.mp4", MOVING, 1);
    trial.fails(
        &still,
        &[],
        1,
        &["One frame only. Open a video of two frames or more"],
    );
    trial.fails(
        &studio.path("gone.mp4"),
        &[],
        1,
        &["source: not found: ", "gone.mp4"],
    );
}

#[test]
fn a_truncated_video_serves_as_far_as_it_goes() {
    let Some(trial) = Trial::new() else { return };
    let studio = &trial.studio;
    let index_first = [
        "-movflags",
        "+faststart",
        "-g",
        "4",
        "-bf",
        "0",
        "-crf",
        "10",
    ];
    let input = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=320x240:r=8",
        "-frames:v",
        "16",
    ];
    let whole = studio.make("whole.mp4", &[&input[..], &index_first].concat());
    let cut = studio.path("cut.mp4");
    let bytes = fs::read(whole).unwrap();
    fs::write(&cut, &bytes[..bytes.len() * 6 / 10]).unwrap();

    let ended = run(&trial.flags(&cut, &[]));
    let words = [
        "Reading stopped at frame ",
        " of 16. The first ",
        " can be used",
        "--range 0..",
    ];
    let hint = ended.errors.split("--range 0..").nth(1).unwrap_or_default();
    let digits: String = hint.chars().take_while(char::is_ascii_digit).collect();
    trial.check(ended, 1, &words);
    let readable: usize = digits.parse().unwrap();
    assert!((4..16).contains(&readable), "{readable}");

    let beyond = format!("0..{}", readable + 1);
    trial.fails(
        &cut,
        &["--range", &beyond],
        1,
        &["Reading stopped at frame "],
    );

    // What the message says works.
    let range = format!("{}..{readable}", readable - 3);
    let ended = run(&trial.flags(&cut, &["--range", &range]));
    ended.assert_finished();
    assert!(
        ended.errors.contains("warning: Reading stopped at frame "),
        "{}",
        ended.errors
    );
    assert_eq!(frame_times(&trial.out), [0.0, 0.125, 0.25]);

    // Without its index, which lies at the end, nothing can be read.
    let unreadable = studio.clip("tail.mp4", MOVING, 16);
    let bytes = fs::read(&unreadable).unwrap();
    fs::write(&unreadable, &bytes[..bytes.len() / 2]).unwrap();
    fs::write(&trial.out, EARLIER).unwrap();
    trial.fails(
        &unreadable,
        &[],
        1,
        &["tail.mp4", "what to do: copy or download the file again"],
    );
}

#[test]
fn a_wrong_command_line() {
    let Some(trial) = Trial::new() else { return };
    let clip = trial.studio.clip("clip.mp4", MOVING, 5);
    for (more, words) in [
        (
            vec!["--control", "scribble"],
            vec!["--control", "soft-edges"],
        ),
        (vec!["--frobnicate"], vec!["--frobnicate"]),
        (
            vec!["--keyframe-gap", "121"],
            vec!["--keyframe-gap: expected 1 to 120 frames"],
        ),
        (
            vec!["--fill-preset", "lazy"],
            vec!["--fill-preset", "draft"],
        ),
        (
            vec!["--range", "3..3"],
            vec!["--range: 3..3 holds fewer than two frames"],
        ),
        (vec!["--sampler", "magic"], vec!["--sampler"]),
        (
            vec!["--guidance-scale", "nan"],
            vec!["--guidance-scale: expected a value from 1 to 30"],
        ),
    ] {
        trial.fails(&clip, &more, 2, &words);
    }
    // These need a look at the video.
    let outside = ["the video has frames 0 to 4, and 3..9 is not within; change the frames"];
    trial.fails(&clip, &["--range", "3..9"], 1, &outside);
    let listed = ["--keyframes", "0,7", "--no-fill"];
    trial.fails(
        &clip,
        &listed,
        1,
        &["the video has frames 0 to 4, and 7..8 is not within"],
    );
}

#[test]
fn no_ffmpeg() {
    let Some(trial) = Trial::new() else { return };
    let clip = trial.studio.clip("clip.mp4", MOVING, 2);
    let mut command = Command::new(env!("CARGO_BIN_EXE_fresco-studio"));
    command
        .args(trial.flags(&clip, &[]))
        .env("PATH", trial.studio.path("results"));
    let ended = Program::start_as(&mut command).finish();
    trial.check(
        ended,
        1,
        &[
            "FFmpeg was not found",
            "what to do: install FFmpeg 5.1 or newer",
        ],
    );
}

#[test]
fn a_second_run_in_the_same_working_folder() {
    let Some(trial) = Trial::new() else { return };
    let clip = trial.studio.clip("clip.mp4", MOVING, 2);
    let first = Journal::open(&trial.studio.path("work-out.mp4"), "translate").unwrap();
    let words = [
        "another run is using the working folder",
        "what to do: wait until",
        "--work",
    ];
    trial.fails(&clip, &[], 1, &words);
    drop(first);
    run(&trial.flags(&clip, &[])).assert_finished();
}
