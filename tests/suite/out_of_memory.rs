//! A device whose memory really runs out: an error of its own, after which smaller work goes well.

use std::process::{Command, id};

#[cfg(feature = "gpu")]
use fresco_studio::frame::{Frame, FrameIdx};
use fresco_studio::tensor::read::{ReadError, host_values};
use fresco_studio::tensor::{Device, Tensor};
#[cfg(feature = "gpu")]
use fresco_studio::video::FrameStore;
#[cfg(feature = "gpu")]
use serde_json::Value;

use crate::golden::gpu::adapter;
#[cfg(feature = "gpu")]
use crate::small_card::SmallCard;
#[cfg(feature = "gpu")]
use crate::support::{Ended, MOVING, Program, Studio, set};

/// Bytes of a tensor; less than a software adapter takes in one piece.
const PIECE: usize = 64 << 20;
/// Bytes that the process may still take once everything is ready.
const LEFT: usize = 8 * PIECE;

/// A software adapter takes its memory from the process, which can be limited: in one of its own, as the other tests
/// would suffer too.
#[test]
fn memory_that_runs_out_is_told_and_given_back() {
    if !cfg!(target_os = "linux") || adapter().is_none() {
        eprintln!("skipped: needs an adapter, and a system that limits a process");
        return;
    }
    let this = std::env::current_exe().unwrap();
    let inner = concat!(module_path!(), "::fills_the_memory");
    let (_, inner) = inner.split_once("::").unwrap();
    let run = Command::new(this)
        .args(["--exact", inner, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(told.contains("1 passed"), "{told}");
}

#[test]
#[ignore = "run by memory_that_runs_out_is_told_and_given_back, in a process of its own"]
fn fills_the_memory() {
    let device = adapter().expect("the outer test found it");
    let mut kept = vec![piece(&device)];
    assert_eq!(first_of(&kept[0]), Ok(vec![2.0]));
    limit(taken() + LEFT);
    let full = (0..64).find_map(|_| {
        kept.push(piece(&device));
        first_of(&kept[kept.len() - 1]).err()
    });
    assert_eq!(full, Some(ReadError::OutOfMemory));
    drop(kept);
    device.memory_cleanup();
    assert_eq!(first_of(&piece(&device)), Ok(vec![2.0]));
}

fn piece(device: &Device) -> Tensor<2> {
    Tensor::ones([PIECE / 4096, 1024], device) * 2.0
}

fn first_of(piece: &Tensor<2>) -> Result<Vec<f32>, ReadError> {
    host_values(piece.clone().narrow(0, 0, 1).narrow(1, 0, 1))
}

/// Address space of this process, in bytes.
fn taken() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<usize>().unwrap() * 1024
}

fn limit(bytes: usize) {
    let limited = Command::new("prlimit")
        .args([format!("--pid={}", id()), format!("--as={bytes}")])
        .status();
    assert!(limited.unwrap().success());
}

/// Memory of the whole card in the test of whole jobs: enough for batches of 4 in pictures of 64×64, not for 16.
#[cfg(feature = "gpu")]
const CARD: u64 = 60_000_000;

/// Keyframes of these jobs, all of which one batch may hold.
#[cfg(feature = "gpu")]
const FRAMES: usize = 16;

/// A job and its ending, on a card with so many bytes.
#[cfg(feature = "gpu")]
fn job(studio: &Studio, card: &SmallCard, bytes: u64, batch_size: usize) -> (Ended, Vec<Frame>) {
    let clip = studio.clip("clip.mp4", MOVING, FRAMES);
    let name = format!("{bytes}-{batch_size}.mp4");
    let mut flags = studio.flags(&clip, &name);
    set(&mut flags, "--device", "gpu");
    set(&mut flags, "--steps", "1");
    set(&mut flags, "--batch-size", &batch_size.to_string());
    flags.extend(
        "--strength|1|--consistency|light|--no-fill"
            .split('|')
            .map(ToOwned::to_owned),
    );
    let ended = Program::start_as(&mut card.program(bytes, &flags)).finish();
    ended.assert_finished();
    let folder = studio.path(&format!("work-{name}")).join("keyframes");
    let keyframes = FrameStore::open(&folder).unwrap();
    let pictures = (0..FRAMES).map(|i| keyframes.read(FrameIdx(i)).unwrap());
    (ended, pictures.collect())
}

/// What the last batch took and was estimated to take.
#[cfg(feature = "gpu")]
fn memory_of(ended: &Ended) -> [u64; 2] {
    let mut events = ended.events.iter().rev();
    let event = events.find(|event| event["event"] == "memory").unwrap();
    ["estimated", "measured"].map(|name| event[name].as_u64().unwrap())
}

/// How many frames the batches were cut down to, one after the other.
#[cfg(feature = "gpu")]
fn halvings(ended: &Ended) -> Vec<usize> {
    let told = |event: &Value| {
        let rest = event["summary"].as_str()?.split_once("Continuing with ")?.1;
        rest.trim_end_matches('.').parse().ok()
    };
    ended.events.iter().filter_map(told).collect()
}

/// Sixteen frames find no room, fewer do, and what comes of it is what comes of so few from the start.
#[test]
#[cfg(feature = "gpu")]
fn gpu_jobs_halve_their_batches_where_a_card_is_full() {
    if std::env::var_os("FRESCO_TEST_GPU").is_none_or(|value| value != "full") {
        eprintln!("skipped: whole jobs run with FRESCO_TEST_GPU=full");
        return;
    }
    let Some(studio) = Studio::new() else { return };
    let Some(card) = SmallCard::build(studio.folder.path()) else {
        return;
    };
    let (halved, pictures) = job(&studio, &card, CARD, FRAMES);
    let sizes = halvings(&halved);
    assert_eq!(sizes, [8, 4, 3][..sizes.len()], "each is half of the last");
    let fitting = *sizes.last().expect("the card is too small for all at once");
    assert!(halved.errors.contains("bytes refused"), "{}", halved.errors);
    assert!(!halved.errors.contains("panicked"), "{}", halved.errors);
    assert_eq!(halved.keyframes(), (0..FRAMES as u64).collect::<Vec<_>>());

    let (small, wanted) = job(&studio, &card, 64 * CARD, fitting);
    assert!(halvings(&small).is_empty());
    let apart = pictures.iter().zip(&wanted).flat_map(|(got, want)| {
        let values = got.pixels().iter().zip(want.pixels());
        values.map(|(got, want)| got.abs_diff(*want))
    });
    let worst = apart.max();
    let ([estimated, measured], from_start) = (memory_of(&halved), memory_of(&small));
    eprintln!(
        "largest difference {worst:?}; {measured} bytes, of {fitting} from the start {from_start:?}"
    );
    assert!(worst.is_some_and(|worst| worst <= 1), "{worst:?}");
    assert_eq!(estimated, from_start[0]);
    assert!(measured <= CARD, "{measured}");
}
