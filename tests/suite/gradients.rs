//! Closed-form gradients against central differences, and against automatic differentiation: dual numbers through a plain
//! version of both losses, exact but for rounding.

use std::ops::{Add, Mul, Sub};

use burn::tensor::{Distribution, TensorData};
use fresco_studio::flow::FlowRing;
use fresco_studio::fresco::optimize::{Objective, OptimizerConfig, loss_and_gradient};
use fresco_studio::fresco::spatial_loss::spatial_target;
use fresco_studio::fresco::temporal_loss::TemporalDrift;
use fresco_studio::fresco::without_unrelated_wrap;
use fresco_studio::tensor::{Device, GramTarget, Tensor};

const FRAMES: usize = 3;
const GRID: [usize; 2] = [3, 4];
const CHANNELS: usize = 5;
const SHAPE: [usize; 3] = [2 * FRAMES, GRID[0] * GRID[1], CHANNELS];

fn random<const D: usize>(shape: [usize; D], spread: f64, device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, spread), device)
}

fn ring(device: &Device) -> FlowRing {
    let [height, width] = GRID;
    let flow = || random([FRAMES, 2, height, width], 1.5, device);
    let (forward, backward) = (flow(), flow());
    let occlusion = || {
        let shape = [FRAMES, height, width];
        Tensor::<3>::random(shape, Distribution::Bernoulli(0.3), device)
    };
    FlowRing {
        forward,
        backward,
        forward_occlusion: occlusion(),
        backward_occlusion: occlusion(),
    }
}

/// Central differences at every element; an L1 loss is linear between its kinks, so a small share of elements, those
/// next to a kink, may differ.
fn check(name: &str, objective: Objective<'_>, device: &Device) {
    let config = OptimizerConfig::REFERENCE;
    let loss = |values: Vec<f32>| -> f64 {
        let at = Tensor::<3>::from_data(TensorData::new(values, SHAPE), device);
        let (loss, _) = loss_and_gradient(&at, objective, &config).unwrap();
        f64::from(loss.into_scalar::<f32>())
    };
    let start = random(SHAPE, 1.0, device);
    let (_, gradient) = loss_and_gradient(&start, objective, &config).unwrap();
    let gradient: Vec<f32> = gradient.into_data().try_to_vec().unwrap();
    let start: Vec<f32> = start.into_data().try_to_vec().unwrap();
    let scale = gradient.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
    assert!(scale > 0.0, "{name}: the gradient vanishes everywhere");
    let step = 2e-3_f32;
    let moved = |i: usize, by: f32| {
        let mut values = start.clone();
        values[i] += by;
        loss(values)
    };
    let is_off = |i: &usize| {
        let difference = (moved(*i, step) - moved(*i, -step)) / f64::from(2.0 * step);
        (difference as f32 - gradient[*i]).abs() > 0.02 * scale
    };
    let off = (0..start.len()).filter(is_off).count();
    let share = off as f64 / start.len() as f64;
    eprintln!(
        "{name}: {off} of {} elements lie next to a kink",
        start.len()
    );
    assert!(share < 0.05, "{name}: {share} of the gradient is off");
}

#[test]
fn gradients_equal_central_differences() {
    let device = Device::flex();
    device.seed(11);
    let drift = TemporalDrift::new(&ring(&device)).unwrap();
    let features = random(SHAPE, 1.0, &device);
    let matrix = spatial_target(features.clone());
    let vectors = {
        let lengths = features.clone().square().sum_dim(2).sqrt();
        GramTarget::Vectors(features / lengths)
    };
    let objective = |spatial, temporal| Objective { spatial, temporal };
    check("temporal", objective(None, Some(&drift)), &device);
    check("spatial", objective(Some(&matrix), None), &device);
    check(
        "spatial, from vectors",
        objective(Some(&vectors), None),
        &device,
    );
    check("both", objective(Some(&matrix), Some(&drift)), &device);
}

/// A number and its derivative by one variable.
#[derive(Clone, Copy, Default)]
struct Dual {
    value: f64,
    slope: f64,
}

impl Dual {
    fn constant(value: f64) -> Self {
        Self { value, slope: 0.0 }
    }

    fn abs(self) -> Self {
        if self.value < 0.0 {
            self * Self::constant(-1.0)
        } else {
            self
        }
    }

    fn recip_sqrt(self) -> Self {
        let value = self.value.sqrt().recip();
        Self {
            value,
            slope: -0.5 * self.slope * value / self.value,
        }
    }
}

impl Add for Dual {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            value: self.value + other.value,
            slope: self.slope + other.slope,
        }
    }
}

impl Sub for Dual {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + other * Self::constant(-1.0)
    }
}

impl Mul for Dual {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self {
            value: self.value * other.value,
            slope: self.slope * other.value + self.value * other.slope,
        }
    }
}

impl std::iter::Sum for Dual {
    fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
        numbers.fold(Self::default(), Add::add)
    }
}

/// A map's tokens, each of [`CHANNELS`].
type Map = [Dual];

/// A loss of all maps.
type Loss<'a> = &'a dyn Fn(&[&Map]) -> Dual;

/// Both losses as their definition has them, loop by loop.
struct Plain {
    /// Neighbours that are compared; the loss is a mean over [`FRAMES`] pairs in any case.
    pairs: usize,
    /// Forward, backward: `[n, 2, h, w]`.
    flows: [Vec<f32>; 2],
    /// Forward, backward: `[n, h, w]`.
    occlusions: [Vec<f32>; 2],
    /// Likenesses to keep, `[2n, tokens, tokens]`.
    target: Vec<f32>,
}

const TOKENS: usize = GRID[0] * GRID[1];

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

impl Plain {
    /// Of the temporal loss over this many pairs of a ring; there are no likenesses to keep.
    fn of(ring: &FlowRing, pairs: usize) -> Self {
        let FlowRing {
            forward,
            backward,
            forward_occlusion,
            backward_occlusion,
        } = ring.clone();
        Self {
            pairs,
            flows: [forward, backward].map(host),
            occlusions: [forward_occlusion, backward_occlusion].map(host),
            target: Vec::new(),
        }
    }

    fn temporal(&self, maps: &[&Map]) -> Dual {
        let mut sum = Dual::default();
        for half in maps.chunks(FRAMES) {
            for pair in 0..self.pairs {
                let (here, next) = (half[pair], half[(pair + 1) % FRAMES]);
                for (direction, own, other) in [(0, here, next), (1, next, here)] {
                    let flow = &self.flows[direction][pair * 2 * TOKENS..][..2 * TOKENS];
                    let occlusion = &self.occlusions[direction][pair * TOKENS..][..TOKENS];
                    for (token, &occlusion) in occlusion.iter().enumerate() {
                        let visible = Dual::constant(f64::from(1.0 - occlusion));
                        for channel in 0..CHANNELS {
                            let moved = warped(other, flow, token, channel);
                            let own = own[token * CHANNELS + channel];
                            sum = sum + ((own - moved) * visible).abs();
                        }
                    }
                }
            }
        }
        sum * Dual::constant(2.0 / SHAPE.iter().product::<usize>() as f64)
    }

    fn spatial(&self, maps: &[&Map]) -> Dual {
        let mut sum = Dual::default();
        for (map, target) in maps.iter().zip(self.target.chunks(TOKENS * TOKENS)) {
            let tokens: Vec<Vec<Dual>> = map.chunks(CHANNELS).map(direction).collect();
            for (p, row) in tokens.iter().zip(target.chunks(TOKENS)) {
                for (q, &wanted) in tokens.iter().zip(row) {
                    let alike: Dual = p.iter().zip(q).map(|(a, b)| *a * *b).sum();
                    sum = sum + (alike - Dual::constant(f64::from(wanted))).abs();
                }
            }
        }
        sum * Dual::constant(100.0 / (SHAPE[0] * TOKENS * TOKENS) as f64)
    }
}

fn direction(token: &[Dual]) -> Vec<Dual> {
    let shrink = token.iter().map(|v| *v * *v).sum::<Dual>().recip_sqrt();
    token.iter().map(|v| *v * shrink).collect()
}

/// Bilinear, zero outside.
fn warped(map: &Map, flow: &[f32], token: usize, channel: usize) -> Dual {
    let [height, width] = GRID;
    let x = (token % width) as f32 + flow[token];
    let y = (token / width) as f32 + flow[TOKENS + token];
    let tap = |dx: f32, dy: f32| {
        let (column, row) = (x.floor() + dx, y.floor() + dy);
        let share = (1.0 - (x - column).abs()) * (1.0 - (y - row).abs());
        let inside = (0.0..width as f32).contains(&column) && (0.0..height as f32).contains(&row);
        let at = (row as usize * width + column as usize) * CHANNELS + channel;
        let value = if inside { map[at] } else { Dual::default() };
        value * Dual::constant(f64::from(share))
    };
    tap(0.0, 0.0) + tap(1.0, 0.0) + tap(0.0, 1.0) + tap(1.0, 1.0)
}

#[test]
fn gradients_equal_automatic_differentiation() {
    let device = Device::flex();
    device.seed(12);
    let ring = ring(&device);
    let drift = TemporalDrift::new(&ring).unwrap();
    let target = spatial_target(random(SHAPE, 1.0, &device));
    let GramTarget::Matrix(matrix) = target.clone() else {
        panic!("a small target is kept as a matrix");
    };
    let plain = Plain {
        target: host(matrix),
        ..Plain::of(&ring, FRAMES)
    };
    let start = random(SHAPE, 1.0, &device);
    let objective = |spatial, temporal| Objective { spatial, temporal };
    let cases: [(&str, Loss<'_>, Objective<'_>); 2] = [
        (
            "temporal",
            &|m: &[&Map]| plain.temporal(m),
            objective(None, Some(&drift)),
        ),
        (
            "spatial",
            &|m: &[&Map]| plain.spatial(m),
            objective(Some(&target), None),
        ),
    ];
    for (name, plain_loss, objective) in cases {
        compare(name, plain_loss, objective, &start);
    }
}

/// Value and gradient of an objective against those of the plain loss, by every element in turn.
fn compare(name: &str, plain_loss: Loss<'_>, objective: Objective<'_>, start: &Tensor<3>) {
    let numbers: Vec<Dual> = host(start.clone())
        .into_iter()
        .map(|v| Dual::constant(f64::from(v)))
        .collect();
    let differentiate = |variable: usize| {
        let mut numbers = numbers.clone();
        numbers[variable].slope = 1.0;
        let maps: Vec<&Map> = numbers.chunks(TOKENS * CHANNELS).collect();
        plain_loss(&maps)
    };
    let config = OptimizerConfig::REFERENCE;
    let (loss, gradient) = loss_and_gradient(start, objective, &config).unwrap();
    let loss = f64::from(loss.into_scalar::<f32>());
    let want = differentiate(0).value;
    assert!((loss - want).abs() < 1e-5 * want, "{name}: {loss}, {want}");
    let gradient = host(gradient);
    let scale = gradient.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
    let mut worst = 0.0_f64;
    for (i, &got) in gradient.iter().enumerate() {
        let want = differentiate(i).slope;
        worst = worst.max((f64::from(got) - want).abs() / f64::from(scale));
    }
    eprintln!("{name}: worst difference {worst:.1e} of the largest element");
    assert!(worst < 1e-5, "{name}: {worst}");
}

#[test]
fn a_dropped_wrap_adds_nothing_to_a_mean_over_all_pairs() {
    let device = Device::flex();
    device.seed(13);
    let mut ring = ring(&device);
    let start = random(SHAPE, 1.0, &device);
    // Of the last pair, one token of twelve is visible in each direction.
    let nearly_hidden = |occlusion: Tensor<3>| {
        let mut values = host(occlusion);
        values[(FRAMES - 1) * TOKENS..].fill(1.0);
        values[(FRAMES - 1) * TOKENS + 5] = 0.0;
        let [height, width] = GRID;
        Tensor::<3>::from_data(TensorData::new(values, [FRAMES, height, width]), &device)
    };
    ring.forward_occlusion = nearly_hidden(ring.forward_occlusion);
    ring.backward_occlusion = nearly_hidden(ring.backward_occlusion);
    let closed = Plain::of(&ring, FRAMES);
    let open = Plain::of(&ring, FRAMES - 1);
    let dropped = without_unrelated_wrap(ring.clone()).unwrap();
    let [kept, dropped] = [ring, dropped].map(|ring| TemporalDrift::new(&ring).unwrap());
    let objective = |drift| Objective {
        spatial: None,
        temporal: Some(drift),
    };
    compare(
        "closed",
        &|m: &[&Map]| closed.temporal(m),
        objective(&kept),
        &start,
    );
    compare(
        "open",
        &|m: &[&Map]| open.temporal(m),
        objective(&dropped),
        &start,
    );
    let loss = |drift: &TemporalDrift| drift.loss(&start, 2.0).0.into_scalar::<f32>();
    assert!(loss(&dropped) < loss(&kept), "the wrap was pulled before");
}
