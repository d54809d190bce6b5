//! Every kind of input that cannot be used: what it says, before anything is written.

use std::fs;

use fresco_studio::flow::FlowField;
use fresco_studio::flow::file::OccludedFlow;
use fresco_studio::frame::{Frame, Size};
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::job::{FillJob, FillSpec};
use fresco_studio::pipeline::journal::Journal;
use fresco_studio::pipeline::observer::Stage;
use fresco_studio::pipeline::own_keyframes::fill_own;
use fresco_studio::video::VideoError;
use fresco_studio::worker::Work as _;

use super::{Listener, Place, SIZE, painted, run, run_with, source};
use crate::support;

/// What a job says that cannot be done; it leaves no result.
fn refused(spec: &FillSpec) -> String {
    let error = run(spec).err().expect("it cannot be done");
    assert!(!spec.out.exists(), "{error}");
    error.to_string()
}

/// What is done to a working place before it is refused.
type Change<'a> = &'a dyn Fn(&Place);

#[test]
fn keyframes_that_cannot_be_used() {
    let complaint = |change: &dyn Fn(&Place)| {
        let place = Place::moving(3, &[]);
        change(&place);
        refused(&place.spec())
    };
    let file =
        |place: &Place, name: &str| fs::write(place.path("keys").join(name), "no picture").unwrap();
    let cases: [(Change<'_>, &str); 8] = [
        (&|_| {}, "no PNG or JPEG pictures in the folder"),
        (
            &|p: &Place| file(p, "notes.txt"),
            "no PNG or JPEG pictures in the folder",
        ),
        (&|p: &Place| file(p, "0000.png"), "cannot read the picture"),
        (&|p: &Place| file(p, "0000.tif"), "save it as PNG or JPEG"),
        (
            &|p: &Place| p.key("key.png", &painted(0)),
            "no frame number in the name",
        ),
        (
            &|p: &Place| p.key("0003.png", &painted(0)),
            "frames 0 to 2, and there is a keyframe for frame 3",
        ),
        (
            &|p: &Place| {
                p.key("1.png", &painted(0));
                p.key("take_01.png", &painted(0));
            },
            "two pictures are frame 1",
        ),
        (
            &|p: &Place| fs::remove_dir(p.path("keys")).unwrap(),
            "--keyframes: not found",
        ),
    ];
    for (change, words) in cases {
        let told = complaint(change);
        assert!(told.contains(words), "\"{words}\" is not in: {told}");
    }
}

#[test]
fn sources_that_cannot_be_used() {
    let place = Place::moving(3, &[0]);
    let picture = |name: &str| place.path("source").join(name);
    let larger = Size { width: 50, ..SIZE };
    Frame::from_fn(larger, |_, _| [0; 3])
        .write_png(&picture("0003.png"))
        .unwrap();
    assert!(refused(&place.spec()).contains("is 50×40 and the first one is 48×40"));
    fs::rename(picture("0003.png"), picture("0005.png")).unwrap();
    assert!(refused(&place.spec()).contains("picture 3 is missing between 2 and 5"));
    fs::write(picture("0005.png"), "half a picture").unwrap();
    fs::rename(picture("0005.png"), picture("0003.png")).unwrap();
    assert!(refused(&place.spec()).contains("cannot read the picture"));
    let letter = place.path("letter.mp4");
    fs::write(&letter, "This is a letter, not a film.\n".repeat(100)).unwrap();
    let spec = FillSpec {
        source: letter,
        ..place.spec()
    };
    assert!(refused(&spec).contains("letter.mp4 is not a video file"));
    let spec = FillSpec {
        source: place.path("gone"),
        ..place.spec()
    };
    assert!(refused(&spec).contains("source: not found"));
}

#[test]
fn pictures_that_are_not_counted_from_0_are_told() {
    let place = Place::moving(3, &[0]);
    fs::remove_file(place.path("source/0000.png")).unwrap();
    let (summary, told) = run(&place.spec()).unwrap();
    assert_eq!(summary.frames, 2);
    assert!(
        told.warnings[0].contains("numbered from 1"),
        "{:?}",
        told.warnings
    );
}

#[test]
fn flow_that_cannot_be_used() {
    let place = Place::moving(3, &[0, 2]);
    fs::create_dir(place.path("flow")).unwrap();
    let spec = FillSpec {
        flow: Some(place.path("flow")),
        ..place.spec()
    };
    let told = refused(&spec);
    assert!(told.contains("no flow from frame 1 to frame 0"), "{told}");
    let write = |name: &str, size: Size| {
        let flow = FlowField::constant(size, [2.0, 0.0]);
        let occluded = vec![false; size.area()];
        OccludedFlow { flow, occluded }
            .write(&place.path("flow").join(name))
            .unwrap();
    };
    write("cur_0001_prev_0000.png", SIZE);
    assert!(refused(&spec).contains("no flow from frame 1 to frame 2"));
    let half = Size {
        width: 24,
        height: 20,
    };
    write("cur_0001_prev_0002.png", half);
    let told = refused(&spec);
    assert!(
        told.contains("the flow is 24×20 and the frames are 48×40"),
        "{told}"
    );
    painted(0)
        .write_png(&place.path("flow/cur_0001_prev_0002.png"))
        .unwrap();
    assert!(refused(&spec).contains("three channels of 16 bits"));
    write("cur_0001_prev_0002.png", SIZE);
    let (summary, _) = run(&spec).unwrap();
    assert_eq!(summary.frames, 3);
    assert!(
        !place.path("out.fresco/flow").exists(),
        "nothing was estimated"
    );
}

#[test]
fn a_working_folder_is_used_by_one_run_at_a_time() {
    let place = Place::moving(2, &[0]);
    let first = Journal::open(&place.path("out.fresco"), "fill").unwrap();
    assert!(refused(&place.spec()).contains("another run is using the working folder"));
    drop(first);
    run(&place.spec()).unwrap();
}

#[test]
fn a_fill_can_be_cancelled_at_every_frame() {
    let place = Place::moving(6, &[0, 5]);
    let whole = place.fill();
    fs::remove_dir_all(place.path("out")).unwrap();
    fs::remove_dir_all(place.path("out.fresco")).unwrap();
    let mut stopped = 0;
    for stage in [Stage::Analyse, Stage::InBetweens, Stage::Encode] {
        let _ = fs::remove_dir_all(place.path("out.fresco"));
        for checkpoint in [0, 1, 3, 7] {
            let listener = Listener::stopping_at(stage, checkpoint);
            match run_with(&place.spec(), &listener) {
                Err(error) => {
                    assert_eq!(error.to_string(), "cancelled");
                    stopped += 1;
                }
                Ok(_) => assert!(checkpoint > 3, "{stage} has a checkpoint a frame"),
            }
        }
    }
    assert!(stopped > 8, "{stopped}");
    assert_eq!(place.fill(), whole);
}

#[test]
fn the_program_says_it_too() {
    let place = Place::moving(3, &[]);
    let path = |name: &str| place.path(name).to_str().unwrap().to_owned();
    let run = |more: &[&str]| {
        let mut flags: Vec<String> = ["fill", "--json", "--device", "cpu"].map(Into::into).into();
        flags.extend(more.iter().map(|&flag| flag.to_owned()));
        support::run(&flags)
    };
    let (from, keys, out) = (path("source"), path("keys"), path("out"));
    let ended = run(&["--source", &from, "--keyframes", &keys, "--out", &out]);
    assert_eq!(ended.code, Some(1), "{}", ended.errors);
    assert!(
        ended.errors.contains("no PNG or JPEG pictures"),
        "{}",
        ended.errors
    );
    assert_eq!(ended.events.last().unwrap()["event"], "failed");
    let ended = run(&["--source", &from, "--keyframes", &keys, "--out", "a.avi"]);
    assert_eq!(ended.code, Some(2), "{}", ended.errors);
    assert!(
        ended.errors.contains("--out: the name must end in .mp4"),
        "{}",
        ended.errors
    );
    assert!(
        ended.errors.contains("fresco-studio fill --help"),
        "{}",
        ended.errors
    );
    let ended = run(&["--source", &from]);
    assert_eq!(ended.code, Some(2));
    source(0)
        .write_png(&place.path("keys").join("0.png"))
        .unwrap();
    let ended = run(&["--source", &from, "--keyframes", &keys, "--out", &out]);
    ended.assert_finished();
}

#[test]
fn the_ffmpeg_that_the_user_has_chosen_counts() {
    let place = Place::moving(3, &[0]);
    let mut engine = Engine::default();
    engine.use_ffmpeg(Some(place.path("nowhere")));
    let mut run = |spec: &FillSpec| {
        let listener = Listener::default();
        fill_own(&FillJob::new(spec).unwrap(), &mut engine, &listener)
    };
    // Pictures need none.
    run(&place.spec()).unwrap();
    let said = |error: Error| match error {
        Error::Video(VideoError::NotFound { searched }) => searched,
        error => panic!("{error}"),
    };
    let film = FillSpec {
        out: place.path("out.mp4"),
        ..place.spec()
    };
    assert_eq!(said(run(&film).unwrap_err()), Some(place.path("nowhere")));
    let clip = place.path("clip.mp4");
    fs::write(&clip, "read by the ffmpeg that is not there").unwrap();
    let of_film = FillSpec {
        source: clip.clone(),
        ..place.spec()
    };
    assert_eq!(
        said(run(&of_film).unwrap_err()),
        Some(place.path("nowhere"))
    );
    let measured = engine.evaluate(&clip, &clip, &Listener::default());
    assert_eq!(said(measured.unwrap_err()), Some(place.path("nowhere")));
}
