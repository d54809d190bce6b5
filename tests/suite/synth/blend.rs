//! Blending against each stage of the reference's, and its solver against an exact one.

use std::f64::consts::PI;

use fresco_studio::frame::{Frame, Size};
use fresco_studio::synth::Mask;
use fresco_studio::synth::blend::lab::{self, Lab};
use fresco_studio::synth::blend::poisson::{self, WEIGHTS_SQUARED};
use fresco_studio::synth::blend::{
    BlendConfig, Candidates, GradientField, Rounding, Solver, TimeWeights, Tone, error_mask,
    histogram, lsqr,
};
use safetensors::SafeTensors;

use super::case::{Case, for_each};

/// Both passes of one frame, from the stored pictures and error maps.
struct Passes {
    forward: Frame,
    backward: Frame,
    forward_error: Vec<f32>,
    backward_error: Vec<f32>,
}

impl Passes {
    /// In-between `frame`, judged by the backward error of `judged_by`.
    fn read(case: &Case, frame: usize, judged_by: usize) -> Self {
        Self {
            forward: case.frame(format!("reference/forward/{frame:04}.png")),
            backward: case.frame(format!("reference/backward/{frame:04}.png")),
            forward_error: errors(case, "forward", frame),
            backward_error: errors(case, "backward", judged_by),
        }
    }

    fn candidates(&self) -> Candidates<'_> {
        Candidates {
            forward: &self.forward,
            backward: &self.backward,
            forward_error: &self.forward_error,
            backward_error: &self.backward_error,
        }
    }
}

/// In full precision where a case has it, else from sixteen bits.
fn errors(case: &Case, direction: &str, frame: usize) -> Vec<f32> {
    if let Ok(bytes) = std::fs::read(case.path.join("reference/errors.safetensors")) {
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensor = file
            .tensor(&format!("error.{direction}.{frame:04}"))
            .unwrap();
        let words = tensor.data().as_chunks::<4>().0.iter();
        return words.map(|w| f32::from_le_bytes(*w)).collect();
    }
    let file = format!("reference/error/{direction}_{frame:04}.png");
    let picture = image::open(case.path.join(file)).unwrap().into_luma16();
    picture
        .pixels()
        .map(|p| (f32::from(p[0]) / 32.0).powi(2))
        .collect()
}

fn stored_mask(case: &Case, order: &str, frame: usize) -> Mask {
    let file = case.path.join(format!("blend/{order}/mask_{frame:04}.png"));
    let picture = image::open(file).unwrap().into_luma8();
    let values: Vec<bool> = picture.pixels().map(|p| p[0] > 0).collect();
    let size = Size {
        width: picture.width(),
        height: picture.height(),
    };
    Mask::new(size, values)
}

/// The two orders of error maps, those that a case has.
fn orders(case: &Case) -> Vec<(&'static str, BlendConfig)> {
    use fresco_studio::synth::blend::BackwardErrors::{Aligned, Mirrored};
    let all = [("aligned", Aligned), ("mirrored", Mirrored)];
    let present = all
        .into_iter()
        .filter(|(name, _)| case.path.join("blend").join(name).is_dir());
    let config = |backward_errors| BlendConfig {
        backward_errors,
        ..BlendConfig::reference()
    };
    present.map(|(name, order)| (name, config(order))).collect()
}

#[test]
fn masks_are_the_references() {
    for_each(|case| {
        let exact = case.path.join("reference/errors.safetensors").is_file();
        let n_between = case.interval - 1;
        for (order, config) in orders(case) {
            for index in 0..n_between {
                let frame = index + 1;
                let judged_by = config.backward_error_index(index, n_between) + 1;
                let passes = Passes::read(case, frame, judged_by);
                let u = TimeWeights::Reference.backward_weight(index, n_between);
                let before = (index > 0).then(|| stored_mask(case, order, frame - 1));
                let (flow, _) = case.flow(frame, frame - 1);
                let previous = before.as_ref().map(|mask| (mask, &flow));
                let mask = error_mask::select(u, &passes.candidates(), previous);
                let expected = stored_mask(case, order, frame);
                let pairs = mask.values().iter().zip(expected.values());
                let share =
                    pairs.filter(|(a, b)| a != b).count() as f64 / mask.values().len() as f64;
                eprintln!(
                    "{} {order} {frame}: {share:.6} of the mask differs",
                    case.name
                );
                assert!(
                    share <= if exact { 0.0 } else { 0.001 },
                    "{} {order} {frame}",
                    case.name
                );
            }
        }
    });
}

/// Largest and mean difference of two pictures' bytes.
fn differences(a: &Frame, b: &Frame) -> (u8, f64) {
    let pairs = || {
        a.pixels()
            .iter()
            .zip(b.pixels())
            .map(|(a, b)| a.abs_diff(*b))
    };
    let sum: f64 = pairs().map(f64::from).sum();
    (pairs().max().unwrap(), sum / a.pixels().len() as f64)
}

/// Both passes and the choice of one frame in Lab, with the stored mask.
fn in_lab(case: &Case, order: &str, frame: usize) -> (Mask, Lab, Lab) {
    let picture =
        |pass: &str| lab::from_rgb(&case.frame(format!("reference/{pass}/{frame:04}.png")));
    (
        stored_mask(case, order, frame),
        picture("forward"),
        picture("backward"),
    )
}

#[test]
fn the_contrast_blend_is_the_references() {
    for_each(|case| {
        for frame in 1..case.interval {
            let file = format!("blend/aligned/contrast_{frame:04}.png");
            if !case.path.join(&file).is_file() {
                continue;
            }
            let (mask, forward, backward) = in_lab(case, "aligned", frame);
            let u = TimeWeights::Reference.backward_weight(frame - 1, case.interval - 1);
            let chosen = error_mask::chosen(&mask, &forward, &backward);
            let blended = histogram::blend(u, &forward, &backward, &chosen, Tone::MinError);
            let (most, mean) = differences(&lab::to_rgb(&blended), &case.frame(file));
            eprintln!(
                "{} {frame}: contrast blend max {most}, mean {mean:.6}",
                case.name
            );
            assert!(
                most <= 1 && mean < 0.001,
                "{} {frame}: max {most}, mean {mean}",
                case.name
            );
        }
    });
}

#[test]
fn gradient_fusion_is_the_references() {
    for_each(|case| {
        for frame in 1..case.interval {
            let file = format!("blend/aligned/contrast_{frame:04}.png");
            if !case.path.join(&file).is_file() {
                continue;
            }
            let contrast = case.frame(file);
            let (mask, forward, backward) = in_lab(case, "aligned", frame);
            let gradients = GradientField::of(&mask, &forward, &backward);
            let expected = case.frame(format!("blend/aligned/final_{frame:04}.png"));
            let [reference, own] = [Solver::Reference, Solver::Chebyshev].map(|solver| {
                let fused = poisson::fuse(&contrast, &gradients, solver, Rounding::Down);
                differences(&fused, &expected)
            });
            eprintln!(
                "{} {frame}: fusion max {}, mean {:.5}; with our solver {}, {:.5}",
                case.name, reference.0, reference.1, own.0, own.1
            );
            assert!(
                reference.0 <= 6 && reference.1 < 0.001,
                "{} {frame}: {reference:?}",
                case.name
            );
        }
    });
}

#[test]
fn both_solvers_solve_the_screened_equation() {
    for_each(|case| {
        // Cases without the stage between are blended here.
        let frame = case.interval / 2;
        let (mask, forward, backward) = in_lab(case, "aligned", frame);
        let chosen = error_mask::chosen(&mask, &forward, &backward);
        let contrast = histogram::blend(0.5, &forward, &backward, &chosen, Tone::MinError);
        let gradients = GradientField::of(&mask, &forward, &backward);
        let found = poisson::solve(&contrast, &gradients.divergence());
        let references = lsqr::solve(&contrast, &gradients);
        for channel in 0..3 {
            let w2 = f64::from(WEIGHTS_SQUARED[channel]);
            let values = contrast
                .pixels()
                .iter()
                .zip(exact_divergence(&mask, &forward, &backward, channel));
            let right: Vec<f64> = values
                .map(|(h, d)| f64::from(h[channel]) + w2 * d)
                .collect();
            let exact = by_cosines(mask.size(), &right, w2);
            let most = furthest(&exact, found[channel].iter().map(|v| f64::from(*v)));
            let of_reference = furthest(&exact, references[channel].iter().copied());
            eprintln!(
                "{} channel {channel}: at most {most:.4} Lab from exact, the reference's solver {of_reference:.4}",
                case.name
            );
            assert!(most < 0.1, "{} channel {channel}: {most}", case.name);
            assert!(
                of_reference < 0.01,
                "{} channel {channel}: {of_reference}",
                case.name
            );
        }
    });
}

fn furthest(exact: &[f64], found: impl Iterator<Item = f64>) -> f64 {
    let off = exact.iter().zip(found).map(|(a, b)| (a - b).abs());
    off.fold(0.0, f64::max)
}

/// The divergence as the specification writes it: gradients first, then their differences.
fn exact_divergence(mask: &Mask, forward: &Lab, backward: &Lab, channel: usize) -> Vec<f64> {
    let Size { width, height } = mask.size();
    let (width, height) = (width as usize, height as usize);
    let gradient = |x: usize, y: usize, down: bool| {
        let (i, exists) = (
            y * width + x,
            if down { y + 1 < height } else { x + 1 < width },
        );
        if !exists {
            return 0.0;
        }
        let picture = if mask.values()[i] { backward } else { forward };
        let value = |i: usize| f64::from(picture.pixels()[i][channel]);
        (value(i) - value(if down { i + width } else { i + 1 })).clamp(-100.0, 100.0)
    };
    let at = |(x, y): (usize, usize)| {
        let above = if y > 0 { gradient(x, y - 1, true) } else { 0.0 };
        let left = if x > 0 {
            gradient(x - 1, y, false)
        } else {
            0.0
        };
        gradient(x, y, true) - above + gradient(x, y, false) - left
    };
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(at)
        .collect()
}

/// `(1 + w² Λ)⁻¹` exactly, as cosines are the eigenvectors of the Laplacian with a free border.
fn by_cosines(size: Size, right: &[f64], w2: f64) -> Vec<f64> {
    let (width, height) = (size.width as usize, size.height as usize);
    let (columns, rows) = (cosines(width), cosines(height));
    let transposed = transform(&transform(right, width, &columns), height, &rows);
    let scaled = transposed.iter().enumerate().map(|(i, v)| {
        let (row, column) = (i / width, i % width);
        let wave = |k: usize, n: usize| 2.0 - 2.0 * (PI * k as f64 / n as f64).cos();
        v / (1.0 + w2 * (wave(row, height) + wave(column, width)))
    });
    let scaled: Vec<f64> = scaled.collect();
    let (columns, rows) = (flipped(&columns, width), flipped(&rows, height));
    transform(&transform(&scaled, width, &columns), height, &rows)
}

/// The orthonormal cosine transform of this length, a wave a row.
fn cosines(n: usize) -> Vec<f64> {
    let scale = |k: usize| (if k == 0 { 1.0 } else { 2.0 } / n as f64).sqrt();
    let wave = |k: usize, i: usize| scale(k) * (PI * k as f64 * (i as f64 + 0.5) / n as f64).cos();
    (0..n)
        .flat_map(|k| (0..n).map(move |i| wave(k, i)))
        .collect()
}

fn flipped(matrix: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).map(|i| matrix[i % n * n + i / n]).collect()
}

/// Applies the matrix to each row of length `n`, and transposes; two of them are a transform of a picture.
fn transform(picture: &[f64], n: usize, matrix: &[f64]) -> Vec<f64> {
    let n_rows = picture.len() / n;
    let mut out = vec![0.0; picture.len()];
    for (y, row) in picture.chunks(n).enumerate() {
        for (k, wave) in matrix.chunks(n).enumerate() {
            out[k * n_rows + y] = row.iter().zip(wave).map(|(a, b)| a * b).sum();
        }
    }
    out
}
