//! Vote and search alone: the vote repeats the reference's picture, the search comes close to an exhaustive one.

use fresco_studio::frame::{Frame, Size};
use fresco_studio::synth::nnf::join;
use fresco_studio::synth::patch::{Canvas, Patch};
use fresco_studio::synth::patchmatch::error;
use fresco_studio::synth::pyramid::Layer;
use fresco_studio::synth::random::pcg3d;
use fresco_studio::synth::record::{Record, SCALE, pack};
use fresco_studio::synth::vote::vote;
use fresco_studio::synth::{Level, Nnf, Randomness};

use super::case::{Case, Step, for_each};
use crate::golden::fixture::read_tensors;

const RANDOMNESS: Randomness = Randomness { level: 0, seed: 7 };

#[test]
fn the_vote_over_the_references_field_is_its_picture() {
    for_each(|case| {
        for step in case.steps() {
            let field = case.path.join(format!(
                "reference/nnf/{}_{:04}.png",
                step.direction, step.frame
            ));
            let Ok(field) = image::open(&field) else {
                continue;
            };
            let matches: Vec<u32> = field
                .into_rgb16()
                .pixels()
                .map(|p| join(p[0].into(), p[1].into()))
                .collect();
            let pictures = case.pictures(&step);
            let size = pictures.style.size();
            let source = Layer::new(size, pack(Some(&pictures.style), &pictures.source_guides()));
            let pixels: Vec<u32> = (0..size.area() as u32).collect();
            let picture = vote(&source, &matches, size, &pixels).into_flattened();
            assert!(
                Frame::new(size, picture) == case.reference(&step),
                "{} {} {}",
                case.name,
                step.direction,
                step.frame
            );
            eprintln!("  {} {}: equal", step.direction, step.frame);
        }
    });
}

#[test]
fn without_the_uniformity_term_matches_are_nearly_the_best_there_are() {
    for_each(|case| {
        let Some(tensors) = exact_errors(case) else {
            return;
        };
        for step in case.steps() {
            let name = format!("exact.error.{}.{:04}", step.direction, step.frame);
            let Some(exact) = tensors.get(&name) else {
                continue;
            };
            let found = searched(case, &step);
            let mean = |values: &[f32]| {
                values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64
            };
            let ratio = mean(&found) / mean(&exact.values);
            eprintln!(
                "  {} {}: {ratio:.4} of the exact error",
                step.direction, step.frame
            );
            assert!(ratio <= 1.02, "{ratio}");
            // No match beats the exhaustive search, up to the third that its weights were rounded from.
            let fair = found
                .iter()
                .zip(&exact.values)
                .all(|(f, e)| *f >= e * 0.9999 - 1.0);
            assert!(fair, "an exact error is beaten");
        }
    });
}

fn exact_errors(
    case: &Case,
) -> Option<std::collections::BTreeMap<String, crate::golden::fixture::HostTensor>> {
    let file = case.path.join("reference/errors.safetensors");
    file.is_file().then(|| read_tensors(&file))
}

/// The reference's picture searched without the uniformity term and without votes; its errors.
fn searched(case: &Case, step: &Step) -> Vec<f32> {
    let pictures = case.pictures(step);
    let size = pictures.style.size();
    let source = Layer::new(size, pack(Some(&pictures.style), &pictures.source_guides()));
    let target = Layer::new(size, pack(Some(&case.reference(step)), &pictures.target()));
    let nnf = Nnf::from_positions(size, &source, case.start(step).values(), size);
    let mut level = Level::new(&source, &target, nnf, RANDOMNESS);
    level.measure();
    for iteration in 0..24 {
        level.iterate(iteration, 0);
    }
    level
        .all_errors()
        .iter()
        .map(|e| *e as f32 / SCALE as f32)
        .collect()
}

#[test]
fn on_a_toy_the_search_finds_the_best_match_of_every_pixel() {
    let size = Size {
        width: 16,
        height: 16,
    };
    let records = |salt: u32| -> Vec<Record> {
        let draw = |i| {
            pcg3d([i, salt, 3])
                .map(u32::to_le_bytes)
                .as_flattened()
                .to_vec()
        };
        let record = |i: u32| {
            let mut record: Record = [0; 16];
            record[..12].copy_from_slice(&draw(i));
            record
        };
        (0..256).map(record).collect()
    };
    let (source, target) = (Layer::new(size, records(1)), Layer::new(size, records(2)));
    // Noise has no slope to follow, so a single search may end beside the best; of many, one does not.
    let searched = |seed: u32| {
        let nnf = Nnf::random(size, &source, 0, seed);
        let mut level = Level::new(&source, &target, nnf, Randomness { level: 0, seed });
        level.measure();
        for iteration in 0..20 {
            level.iterate(iteration, 0);
        }
        level.all_errors()
    };
    let found = (0..300)
        .map(searched)
        .reduce(|a, b| a.iter().zip(b).map(|(a, b)| b.min(*a)).collect());
    let canvas = Canvas::new(&target);
    let best = |pixel: u32| {
        let patch = Patch::at(&canvas, pixel % 16, pixel / 16);
        let centres = (2..14).flat_map(|y| (2..14).map(move |x| (x, y)));
        centres
            .map(|(x, y)| patch.error(&source, x, y, u32::MAX))
            .min()
            .unwrap()
    };
    let exhaustive: Vec<u32> = (0..256).map(best).collect();
    assert_eq!(found.unwrap(), exhaustive);
}

#[test]
fn the_energy_is_that_of_its_definition() {
    let size = Size {
        width: 11,
        height: 9,
    };
    let records = |salt: u32| -> Vec<Record> {
        let word = |i| pcg3d([i, salt, 1])[0].to_le_bytes();
        (0..99)
            .map(|i| std::array::from_fn(|c| word(i * 4 + c as u32 / 4)[c % 4]))
            .collect()
    };
    let (source, target) = (Layer::new(size, records(4)), Layer::new(size, records(5)));
    let weights = [10, 10, 10, 60, 60, 60, 5, 5, 5, 5, 5, 5, 20, 20, 0, 0];
    let nnf = Nnf::random(size, &source, 0, 5);
    let pixels: Vec<u32> = (0..99).collect();
    let got = error(&Canvas::new(&target), &source, nnf.matches(), &pixels);
    for y in 0..9_u32 {
        for x in 0..11_u32 {
            let [u, v] = nnf.at(x, y);
            let mut want = 0;
            for (dx, dy) in (0..25).map(|o| (o % 5, o / 5)) {
                let inside = |i: u32, d: u32, n: u32| (i + d).saturating_sub(2).min(n - 1);
                let t = target.records[(inside(y, dy, 9) * 11 + inside(x, dx, 11)) as usize];
                let s = source.records[((v + dy - 2) * 11 + u + dx - 2) as usize];
                want += (0..16)
                    .map(|c| weights[c] * u32::from(t[c].abs_diff(s[c])).pow(2))
                    .sum::<u32>();
            }
            assert_eq!(got[(y * 11 + x) as usize], want, "at {x}, {y}");
        }
    }
}
