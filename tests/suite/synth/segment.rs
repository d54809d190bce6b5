//! Whole segments of the golden cases: from frames, keyframes and flow to the frames between.

use std::ops::ControlFlow;

use fresco_studio::flow::FlowField;
use fresco_studio::frame::Frame;
use fresco_studio::synth::blend::{BackwardErrors, BlendConfig, Blender, Candidates};
use fresco_studio::synth::guides::warp_nearest;
use fresco_studio::synth::segment::{Carrying, Pass, Step};
use fresco_studio::synth::{Mask, Preset, Synthesis, Synthesiser};

use super::case::{Case, for_each, psnr};

/// What both passes painted, by frame.
struct Painted {
    forward: Vec<Synthesis>,
    backward: Vec<Synthesis>,
}

fn step(case: &Case, pass: &Pass, frame: usize, before: usize) -> Step {
    let (flow, occluded) = case.flow(frame, before);
    pass.step(case.input(frame), &flow, &occluded)
}

/// Both passes with the default preset.
fn paint(case: &Case, keys: [&Frame; 2], carrying: Carrying) -> Painted {
    let n = case.interval;
    let mut forward = Pass::new(keys[0], &case.input(0), carrying).unwrap();
    let mut backward = Pass::new(keys[1], &case.input(n), carrying).unwrap();
    let mut painted = Painted {
        forward: Vec::new(),
        backward: Vec::new(),
    };
    for j in 1..n {
        let steps = [
            step(case, &forward, j, j - 1),
            step(case, &backward, n - j, n - j + 1),
        ];
        let chains = [forward.chain(&steps[0]), backward.chain(&steps[1])];
        let go_on = || ControlFlow::Continue(());
        let made = Synthesiser::Cpu.synthesise(&chains, Preset::Default, &go_on);
        let [left, right]: [Synthesis; 2] = made.unwrap().try_into().unwrap();
        let [left_step, right_step] = steps;
        forward.advance(left_step, left.picture.clone());
        backward.advance(right_step, right.picture.clone());
        painted.forward.push(left);
        painted.backward.insert(0, right);
    }
    painted
}

fn blend(case: &Case, painted: &Painted, config: BlendConfig) -> Vec<Frame> {
    let n = case.interval - 1;
    let mut blender = Blender::new(config, n);
    let errors = |made: &Synthesis| made.error.iter().map(|e| *e as f32).collect::<Vec<_>>();
    let frame = |i: usize| {
        let judge = &painted.backward[config.backward_error_index(i, n)];
        let candidates = Candidates {
            forward: &painted.forward[i].picture,
            backward: &painted.backward[i].picture,
            forward_error: &errors(&painted.forward[i]),
            backward_error: &errors(judge),
        };
        blender.next(&candidates, &case.flow(i + 1, i).0)
    };
    (0..n).map(frame).collect()
}

fn keys(case: &Case) -> [Frame; 2] {
    [0, case.interval].map(|key| case.frame(format!("keys/{key:04}.png")))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn segments_blended_as_the_reference_does_are_near_the_references() {
    for_each(|case| {
        let [first, last] = keys(case);
        let painted = paint(case, [&first, &last], Carrying::Reference);
        let alignments = [
            ("aligned", BackwardErrors::Aligned),
            ("mirrored", BackwardErrors::Mirrored),
        ];
        for (folder, backward_errors) in alignments {
            if !case.path.join("blend").join(folder).is_dir() {
                continue;
            }
            let config = BlendConfig {
                backward_errors,
                ..BlendConfig::reference()
            };
            let finals = blend(case, &painted, config);
            let mut lacking = Vec::new();
            for (i, frame) in finals.iter().enumerate() {
                let file = format!("blend/{folder}/final_{:04}.png", i + 1);
                let found = psnr(frame, &case.frame(file));
                let prototype = &case.metrics["prototype_default_chain"][folder][i]["psnr"];
                let floor = &case.metrics["noise_floor_chain_seed2"][folder][i]["psnr"];
                eprintln!(
                    "{} {folder} {}: {found:.2} dB, prototype {prototype}, other seed {floor}",
                    case.name,
                    i + 1
                );
                lacking.push(prototype.as_f64().unwrap() - found);
            }
            let most = lacking.iter().copied().fold(f64::MIN, f64::max);
            assert!(most <= 2.0, "{} {folder}: {lacking:?}", case.name);
            assert!(mean(&lacking) <= 1.0, "{} {folder}: {lacking:?}", case.name);
        }
    });
}

/// Red and blue exchanged, gamma 0.8, and a shift in CIELAB: the truth for every frame, painted pixel by pixel.
fn recoloured(frame: &Frame, shift: [f32; 3]) -> Frame {
    let pixels = frame
        .pixels()
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|&[r, g, b]| {
            let gamma = [b, g, r].map(|v| (f32::from(v) / 255.0).powf(0.8));
            shifted(gamma, shift)
        });
    Frame::new(frame.size(), pixels.collect())
}

fn shifted(rgb: [f32; 3], shift: [f32; 3]) -> [u8; 3] {
    let linear = rgb.map(|v| {
        if v > 0.04045 {
            ((v + 0.055) / 1.055).powf(2.4)
        } else {
            v / 12.92
        }
    });
    let to_xyz = [
        [0.412_453, 0.357_580, 0.180_423],
        [0.212_671, 0.715_160, 0.072_169],
        [0.019_334, 0.119_193, 0.950_227],
    ];
    let white = [0.950_456, 1.0, 1.088_754];
    let dot = |row: &[f32; 3], v: &[f32; 3]| row[0] * v[0] + row[1] * v[1] + row[2] * v[2];
    let f = |t: f32| {
        if t > 0.008_856 {
            t.cbrt()
        } else {
            7.787 * t + 16.0 / 116.0
        }
    };
    let [x, y, z] = [0, 1, 2].map(|i| f(dot(&to_xyz[i], &linear) / white[i]));
    let lightness = 116.0 * y - 16.0 + shift[0];
    let (a, b) = (500.0 * (x - y) + shift[1], 200.0 * (y - z) + shift[2]);
    let y = (lightness + 16.0) / 116.0;
    let inverse = |f: f32| {
        if f > 0.206_893 {
            f.powi(3)
        } else {
            (f - 16.0 / 116.0) / 7.787
        }
    };
    let xyz = [y + a / 500.0, y, y - b / 200.0];
    let xyz: [f32; 3] = std::array::from_fn(|i| inverse(xyz[i]) * white[i]);
    let to_rgb = [
        [3.240_479, -1.537_15, -0.498_535],
        [-0.969_256, 1.875_992, 0.041_556],
        [0.055_648, -0.204_043, 1.057_311],
    ];
    to_rgb.map(|row| {
        let v = dot(&row, &xyz).clamp(0.0, 1.0);
        let v = if v > 0.003_130_8 {
            1.055 * v.powf(1.0 / 2.4) - 0.055
        } else {
            12.92 * v
        };
        (v * 255.0).round() as u8
    })
}

#[test]
fn against_known_truth_our_blending_is_no_worse_than_the_references() {
    for_each(|case| {
        let n = case.interval;
        let truth: Vec<[Frame; 2]> = (0..=n)
            .map(|i| {
                let first = recoloured(&case.input(i), [0.0; 3]);
                [first, recoloured(&case.input(i), [8.0, -6.0, 6.0])]
            })
            .collect();
        let painted = paint(case, [&truth[0][0], &truth[n][1]], Carrying::Precise);
        let quality = |config: BlendConfig| {
            let finals = blend(case, &painted, config);
            let of_frame = |(i, frame): (usize, &Frame)| {
                // The tone of the truth moves from that of the first key to that of the second.
                let part = (i + 1) as f64 / n as f64;
                psnr(frame, &mixed(&truth[i + 1], part))
            };
            mean(&finals.iter().enumerate().map(of_frame).collect::<Vec<_>>())
        };
        let (own, reference) = (quality(BlendConfig::OWN), quality(BlendConfig::reference()));
        eprintln!(
            "{}: own {own:.2} dB, reference {reference:.2} dB",
            case.name
        );
        assert!(own >= reference, "{}: {own} {reference}", case.name);
    });
}

fn mixed([a, b]: &[Frame; 2], part: f64) -> Frame {
    let pairs = a.pixels().iter().zip(b.pixels());
    let mix =
        |(a, b): (&u8, &u8)| (f64::from(*a) * (1.0 - part) + f64::from(*b) * part).round() as u8;
    Frame::new(a.size(), pairs.map(mix).collect())
}

/// Mean difference between a frame and the one before, moved along the flow, where that is seen.
fn flicker(before: &Frame, frame: &Frame, (flow, occluded): (FlowField, Mask)) -> f64 {
    let moved = warp_nearest(before, &flow);
    let pixels = frame.pixels().chunks(3).zip(moved.pixels().chunks(3));
    let seen = pixels
        .zip(occluded.values())
        .filter(|(_, hidden)| !**hidden);
    let differences: Vec<f64> = seen
        .flat_map(|((a, b), _)| a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))))
        .collect();
    mean(&differences)
}

#[test]
fn our_frames_are_as_steady_as_the_references() {
    for_each(|case| {
        let [first, last] = keys(case);
        let painted = paint(case, [&first, &last], Carrying::Precise);
        let finals = blend(case, &painted, BlendConfig::OWN);
        let reference = |i: usize| case.frame(format!("blend/aligned/final_{i:04}.png"));
        let steps = 2..case.interval;
        let (own, theirs): (Vec<f64>, Vec<f64>) = steps
            .map(|i| {
                let own = flicker(&finals[i - 2], &finals[i - 1], case.flow(i, i - 1));
                (
                    own,
                    flicker(&reference(i - 1), &reference(i), case.flow(i, i - 1)),
                )
            })
            .unzip();
        let ratio = mean(&own) / mean(&theirs);
        eprintln!("{}: {own:.2?} to {theirs:.2?}, ratio {ratio:.3}", case.name);
        assert!(ratio <= 1.05, "{}: {ratio}", case.name);
    });
}
