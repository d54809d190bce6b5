//! A job that was stopped, in whatever way, goes on where it was and ends with the same bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::support::{
    Ended, MOVING, Program, Studio, contents_of, files_in, is_stage, names_in, run, set,
};

/// A job of three batches: frames 0 1 2, then 3, then 4.
struct Job {
    studio: Studio,
    flags: Vec<String>,
    out: PathBuf,
    work: PathBuf,
}

impl Job {
    fn new() -> Option<Self> {
        let studio = Studio::new()?;
        let clip = studio.clip("clip.mp4", MOVING, 5);
        Some(Self {
            flags: studio.flags(&clip, "out.mp4"),
            out: studio.out("out.mp4"),
            work: studio.path("work-out.mp4"),
            studio,
        })
    }

    fn start(&self) -> Program {
        Program::start(&self.flags)
    }

    fn run(&self) -> Ended {
        let ended = run(&self.flags);
        ended.assert_finished();
        assert_eq!(
            ended.keyframes(),
            [0, 1, 2, 3, 4],
            "found or made, each is told"
        );
        ended
    }

    fn with(&self, more: &[&str]) -> Ended {
        let more = more.iter().map(|&flag| flag.to_owned());
        let ended = run(&self.flags.iter().cloned().chain(more).collect::<Vec<_>>());
        ended.assert_finished();
        ended
    }

    /// All final bytes: keyframes and video.
    fn products(&self) -> (Vec<(String, Vec<u8>)>, Vec<u8>) {
        (
            contents_of(&self.work.join("keyframes")),
            fs::read(&self.out).unwrap(),
        )
    }

    fn times(&self, folder: &str) -> Vec<SystemTime> {
        times_in(&self.work.join(folder))
    }

    fn journal(&self) -> String {
        fs::read_to_string(self.work.join("journal/translate.jsonl")).unwrap()
    }

    /// The results of the same job, never interrupted.
    fn uninterrupted(&self) -> (Vec<(String, Vec<u8>)>, Vec<u8>) {
        let clip = self.studio.path("clip.mp4");
        run(&self.studio.flags(&clip, "whole.mp4")).assert_finished();
        let out = self.studio.out("whole.mp4");
        let bytes = fs::read(&out).unwrap();
        fs::remove_file(out).unwrap();
        (
            contents_of(&self.studio.path("work-whole.mp4/keyframes")),
            bytes,
        )
    }
}

fn times_in(folder: &Path) -> Vec<SystemTime> {
    files_in(folder)
        .into_iter()
        .map(|(_, _, time)| time)
        .collect()
}

#[test]
fn killed_in_every_stage_it_goes_on_and_ends_with_the_same_bytes() {
    let Some(job) = Job::new() else { return };
    let whole = job.uninterrupted();

    let mut analysing = job.start();
    analysing.until(|event| is_stage(event, "analyse"));
    analysing.kill();
    assert!(!job.out.exists());

    let mut translating = job.start();
    translating.until(|event| is_stage(event, "keyframes"));
    translating.kill();
    assert!(
        job.journal().contains("\"frames\""),
        "decoded frames are kept"
    );
    let decoded = job.times("frames");

    // In the second batch.
    let mut translating = job.start();
    translating.until(|event| event["event"] == "keyframe" && event["frame"] == 2);
    translating.kill();
    assert!(job.journal().contains("keyframes/batch-0000"));
    let finished = job.times("keyframes")[..3].to_vec();

    // Between the second batch and the third.
    let mut translating = job.start();
    translating.until(|event| event["event"] == "keyframe" && event["frame"] == 3);
    translating.kill();
    assert!(job.journal().contains("keyframes/batch-0001"));

    let mut encoding = job.start();
    encoding.until(|event| is_stage(event, "encode"));
    encoding.kill();

    job.run();
    assert_eq!(job.products(), whole);
    assert_eq!(job.times("frames"), decoded, "nothing was decoded twice");
    assert_eq!(
        job.times("keyframes")[..3],
        finished,
        "the first batch was made once"
    );
    assert_eq!(
        names_in(&job.studio.path("results")),
        ["out.mp4"],
        "no unfinished file is left"
    );

    // Once more: everything is there, and only the video is written again.
    let made = job.times("keyframes");
    job.run();
    assert_eq!(job.products(), whole);
    assert_eq!(job.times("keyframes"), made);
}

#[test]
fn an_unfinished_video_of_a_killed_run_is_removed() {
    let Some(job) = Job::new() else { return };
    job.run();
    // What a power cut leaves while the video is being written.
    let name = fs::read_to_string(job.work.join("unfinished")).unwrap();
    fs::write(job.out.with_file_name(name), "half a video").unwrap();
    let other = job.studio.out(".partial-1-other.mp4");
    fs::write(&other, "of somebody else").unwrap();
    job.run();
    assert_eq!(
        names_in(&job.studio.path("results")),
        [".partial-1-other.mp4", "out.mp4"]
    );
}

#[test]
fn what_changed_is_redone_and_nothing_else() {
    let Some(job) = Job::new() else { return };
    job.run();
    let (decoded, drawn) = (job.times("frames"), job.products());

    job.with(&["--seed", "1"]);
    assert_eq!(
        job.times("frames"),
        decoded,
        "another seed does not decode again"
    );
    let others = job.products();
    assert!(drawn.0.iter().zip(&others.0).all(|(a, b)| a.1 != b.1));

    // Words for one frame redo its batch and, through the anchors, the later ones.
    let times = job.times("keyframes");
    job.with(&["--seed", "1", "--extra", "3=, an oil painting"]);
    let changed = job.times("keyframes");
    assert_eq!(times[..3], changed[..3]);
    assert!(times[3..].iter().zip(&changed[3..]).all(|(a, b)| a < b));

    let mut flags = job.flags.clone();
    set(&mut flags, "--batch-size", "8");
    run(&flags).assert_finished();
    let rebatched = job.times("keyframes");
    assert!(
        changed.iter().zip(&rebatched).all(|(a, b)| a < b),
        "another batch, other pictures"
    );
    assert_eq!(job.times("frames"), decoded);

    // Another size decodes again.
    set(&mut flags, "--size", "128");
    run(&flags).assert_finished();
    assert!(decoded.iter().zip(job.times("frames")).all(|(a, b)| *a < b));
}

#[test]
fn damaged_products_are_made_again() {
    let Some(job) = Job::new() else { return };
    job.run();
    let whole = job.products();
    let cut_off = |name: &str| {
        let path = job.work.join(name);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    };
    for damage in [
        &|| cut_off("keyframes/000001.png"),
        &|| {
            cut_off("anchors/batch-0001.safetensors");
            fs::remove_file(job.work.join("keyframes/000000.png")).unwrap();
        },
        &|| cut_off("frames/000004.png"),
        &|| cut_off("analysis.json"),
        &|| cut_off("journal/translate.jsonl"),
        &|| fs::remove_dir_all(&job.work).unwrap(),
    ] as [&dyn Fn(); 6]
    {
        damage();
        job.run();
        assert_eq!(job.products(), whole);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_is_a_clean_end_in_every_stage() {
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    let Some(job) = Job::new() else { return };
    let folder = job.studio.folder.path().to_str().unwrap().to_owned();
    let whole = job.uninterrupted();
    for stage in ["analyse", "keyframes", "batch", "encode"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fresco-studio"));
        // A key press in a terminal goes to a whole group.
        let mut program = Program::start_as(command.args(&job.flags).process_group(0));
        match stage {
            "batch" => program.until(|event| event["event"] == "keyframe" && event["frame"] == 2),
            stage => program.until(|event| is_stage(event, stage)),
        }
        let group = format!("-{}", program.id());
        assert!(
            Command::new("kill")
                .args(["-INT", "--", &group])
                .status()
                .unwrap()
                .success()
        );
        let ended = program.finish();
        let last = ended.events.last().unwrap()["event"].clone();
        // Late in a job, it may be done before the interrupt arrives; then it is whole.
        if ended.code == Some(0) && matches!(stage, "batch" | "encode") {
            assert_eq!(last, "finished");
            fs::remove_file(&job.out).unwrap();
        } else {
            assert_eq!(ended.code, Some(130), "{stage}: {}", ended.errors);
            assert_eq!(last, "cancelled", "{stage}");
        }
        assert!(
            names_in(&job.studio.path("results")).is_empty(),
            "{stage}: nothing is left"
        );
        assert_eq!(
            ffmpegs_about(&folder),
            Vec::<String>::new(),
            "{stage}: no FFmpeg runs on"
        );
        if stage == "batch" {
            assert!(
                job.journal().contains("keyframes/batch-0000"),
                "finished batches are kept"
            );
        }
    }
    job.run();
    assert_eq!(job.products(), whole);
}

/// Command lines of running processes that name a folder, apart from ended ones.
#[cfg(target_os = "linux")]
fn ffmpegs_about(folder: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let line = |process: fs::DirEntry| fs::read(process.path().join("cmdline")).ok();
    let lines = processes
        .filter_map(line)
        .map(|line| String::from_utf8_lossy(&line).into_owned());
    lines
        .filter(|line| line.contains("ffmpeg") && line.contains(folder))
        .collect()
}
