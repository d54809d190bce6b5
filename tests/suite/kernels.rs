//! Every kernel against its plain-Rust twin, on whatever adapter there is, a software one included.

mod blend;
mod guides;

use fresco_studio::flow::FlowField;
use fresco_studio::frame::{Frame, Size};
use fresco_studio::gpu::{AdapterChoice, Context};

/// A device, or nothing after saying why not; with `FRESCO_REQUIRE_GPU=1` nothing is a failure.
fn context() -> Option<Context> {
    match Context::open(&AdapterChoice::Any) {
        Ok(context) => Some(context),
        Err(error) => {
            let required = std::env::var_os("FRESCO_REQUIRE_GPU").is_some_and(|v| v == "1");
            assert!(!required, "{error}");
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// Odd, so that the last workgroups are not full, and larger than one workgroup.
const SIZE: Size = Size {
    width: 53,
    height: 38,
};

/// Smooth shapes with some grain, another picture for each seed.
fn picture(seed: u32) -> Frame {
    Frame::from_fn(SIZE, |x, y| {
        let grain = (x.wrapping_mul(73) ^ y.wrapping_mul(151) ^ seed).wrapping_mul(2_654_435_761);
        let wave = |scale: u32| ((x * scale + y * 3 + seed * 17) % 200) as u8;
        [0, 1, 2].map(|c| wave(c + 2).saturating_add((grain >> (27 - c)) as u8))
    })
}

/// Smooth motion of a few pixels, another for each seed; some of it leads outside.
fn flow(seed: u32) -> FlowField {
    FlowField::from_fn(SIZE, |x, y| {
        let (x, y) = (x as f32 / 9.0, y as f32 / 7.0);
        [
            3.1 * (x + seed as f32).sin() + 0.3,
            2.3 * (y - x * seed as f32).cos(),
        ]
    })
}
