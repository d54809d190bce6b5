//! Our attention against the backend's, in the same run: `cargo bench --bench attention`.
#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::time::{Duration, Instant};

use burn::tensor::Distribution;
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use fresco_studio::tensor::{Device, Tensor, attend};

fn main() {
    let device = Device::flex();
    println!(
        "{:<34} {:>10} {:>10} {:>7}",
        "batch × heads × queries × keys × d", "backend", "ours", "ratio"
    );
    for [batch, heads, queries, keys, width] in [
        [16, 4, 1792, 1792, 12],
        [16, 4, 1792, 77, 12],
        [4, 8, 4096, 4096, 40],
        [4, 8, 1024, 1024, 80],
        [4, 8, 4096, 77, 40],
    ] {
        let random = |tokens| {
            Tensor::<4>::random(
                [batch, heads, tokens, width],
                Distribution::Default,
                &device,
            )
        };
        let (q, k, v) = (random(queries), random(keys), random(keys));
        let backend = fastest(|| {
            attention(
                q.clone(),
                k.clone(),
                v.clone(),
                None,
                None,
                AttentionModuleOptions::default(),
            )
        });
        let ours = fastest(|| attend(q.clone(), k.clone(), v.clone()));
        let name = format!("{batch} × {heads} × {queries} × {keys} × {width}");
        let ratio = backend.as_secs_f64() / ours.as_secs_f64();
        println!("{name:<34} {backend:>10.1?} {ours:>10.1?} {ratio:>6.1}×");
    }
}

/// The least of a few runs: other load only ever adds.
fn fastest(run: impl Fn() -> Tensor<4>) -> Duration {
    let once = || {
        let began = Instant::now();
        let bytes = run().into_data().bytes().len();
        assert!(bytes > 0);
        began.elapsed()
    };
    (0..4).map(|_| once()).min().unwrap_or_default()
}
