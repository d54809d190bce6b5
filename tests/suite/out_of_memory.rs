//! A device whose memory really runs out: an error of its own, after which smaller work goes well.

use std::process::{Command, id};

use fresco_studio::tensor::read::{ReadError, host_values};
use fresco_studio::tensor::{Device, Tensor};

use crate::golden::gpu::adapter;

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
