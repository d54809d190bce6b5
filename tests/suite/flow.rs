//! Optical flow: laws of warping and resizing, and estimators on motion that is known.

use burn::tensor::TensorData;
use fresco_studio::flow::dis::dis;
use fresco_studio::flow::resize::{down, down_flow, max_pool, up2};
use fresco_studio::flow::ring::{fields, stack};
use fresco_studio::flow::tvl1::tvl1;
use fresco_studio::flow::{FlowEstimator, FlowField, FlowRing, warp};
use fresco_studio::frame::{Frame, Size};
use fresco_studio::tensor::read::host_values;
use fresco_studio::tensor::{Device, Tensor};
use proptest::prelude::*;

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    host_values(tensor).unwrap()
}

fn assert_close(got: &[f32], want: &[f32], bound: f32) {
    assert_eq!(got.len(), want.len());
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= bound, "{i}: {got} instead of {want}");
    }
}

/// A plane read anywhere, zero outside.
struct Plane<'a> {
    values: &'a [f32],
    height: usize,
    width: usize,
}

impl Plane<'_> {
    fn tap(&self, x: f32, y: f32) -> f32 {
        let inside = x >= 0.0 && y >= 0.0 && x < self.width as f32 && y < self.height as f32;
        if inside {
            self.values[y as usize * self.width + x as usize]
        } else {
            0.0
        }
    }

    fn sample(&self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let (a, b) = (x - left, y - top);
        (1.0 - a) * (1.0 - b) * self.tap(left, top)
            + a * (1.0 - b) * self.tap(left + 1.0, top)
            + (1.0 - a) * b * self.tap(left, top + 1.0)
            + a * b * self.tap(left + 1.0, top + 1.0)
    }
}

fn numbers(n: usize, range: std::ops::Range<f32>) -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(range, n)
}

fn image_and_flow() -> impl Strategy<Value = ([usize; 4], Vec<f32>, Vec<f32>)> {
    (1..3_usize, 1..4_usize, 1..9_usize, 1..9_usize).prop_flat_map(|(n, c, h, w)| {
        let image = numbers(n * c * h * w, -1.0..1.0);
        let flow = numbers(n * 2 * h * w, -6.0..6.0);
        (Just([n, c, h, w]), image, flow)
    })
}

proptest! {
    #[test]
    fn warping_is_bilinear_sampling((shape, image, flow) in image_and_flow()) {
        let [n, c, height, width] = shape;
        let area = height * width;
        let mut want = Vec::new();
        for i in 0..n * c {
            let plane = Plane { values: &image[i * area..][..area], height, width };
            let vectors = &flow[i / c * 2 * area..][..2 * area];
            want.extend((0..area).map(|p| {
                let (x, y) = ((p % width) as f32, (p / width) as f32);
                plane.sample(x + vectors[p], y + vectors[area + p])
            }));
        }
        let got = warp(&tensor(image, shape), &tensor(flow, [n, 2, height, width]));
        assert_close(&host(got), &want, 1e-5);
    }

    #[test]
    fn a_flow_of_zero_changes_nothing((shape, image, _) in image_and_flow()) {
        let [n, _, h, w] = shape;
        let still = Tensor::zeros([n, 2, h, w], &Device::flex());
        assert_close(&host(warp(&tensor(image.clone(), shape), &still)), &image, 1e-5);
    }

    #[test]
    fn reducing_takes_the_middle_of_each_cell(
        half in 1..4_usize,
        (h, w) in (1..4_usize, 1..4_usize),
        seed in numbers(1, 0.0..9.0),
    ) {
        let stride = 2 * half;
        let (height, width) = (h * stride, w * stride);
        let value = |x: usize, y: usize| (seed[0] + (x * 7 + y * 13) as f32).sin();
        let map = (0..height * width).map(|i| value(i % width, i / width)).collect();
        let map: Tensor<4> = tensor(map, [1, 1, height, width]);
        let want: Vec<f32> = (0..h * w).map(|i| {
            let (x, y) = (i % w * stride + half, i / w * stride + half);
            (value(x - 1, y - 1) + value(x, y - 1) + value(x - 1, y) + value(x, y)) / 4.0
        }).collect();
        assert_close(&host(down(&map, stride)), &want, 1e-6);
        let most: Vec<f32> = (0..h * w).map(|i| {
            let cell = (0..stride * stride)
                .map(|p| value(i % w * stride + p % stride, i / w * stride + p / stride));
            cell.fold(f32::MIN, f32::max)
        }).collect();
        let map: Tensor<3> = map.reshape([1, height, width]);
        assert_close(&host(max_pool(&map, stride)), &most, 1e-6);
    }

    #[test]
    fn fields_survive_the_device(
        vectors in prop::collection::vec(prop::array::uniform2(-50.0_f32..50.0), 24),
    ) {
        let size = Size { width: 4, height: 3 };
        let both: Vec<FlowField> =
            vectors.chunks(12).map(|part| FlowField::new(size, part.to_vec())).collect();
        let there = stack(&both, &Device::flex());
        prop_assert_eq!(there.dims(), [2, 2, 3, 4]);
        prop_assert_eq!(fields(there).unwrap(), both);
    }
}

#[test]
fn doubling_mixes_three_to_one() {
    let map = tensor(vec![0.0, 4.0, 8.0], [1, 1, 1, 3]);
    let want = [0.0, 1.0, 3.0, 5.0, 7.0, 8.0].repeat(2);
    assert_close(&host(up2(&map)), &want, 0.0);
}

#[test]
fn a_flow_shrinks_with_its_grid() {
    let flow = tensor([[8.0; 64], [-4.0; 64]].concat(), [1, 2, 8, 8]);
    let want = [[2.0; 4], [-1.0; 4]].concat();
    assert_close(&host(down_flow(&flow, 4)), &want, 1e-6);
}

/// A texture without repeats, as a function of the plane.
fn texture(x: f32, y: f32) -> [u8; 3] {
    let wave = |fx: f32, fy: f32, phase: f32| (fx * x + fy * y + phase).sin();
    let level = 128.0
        + 40.0 * wave(0.11, 0.07, 0.0)
        + 30.0 * wave(-0.23, 0.31, 1.0)
        + 25.0 * wave(0.53, 0.19, 2.0)
        + 20.0 * wave(0.17, -0.61, 3.0);
    [level as u8, (level * 0.8) as u8, (level * 0.9) as u8]
}

const SIZE: Size = Size {
    width: 96,
    height: 72,
};

fn moved(shift: [f32; 2]) -> Frame {
    Frame::from_fn(SIZE, |x, y| {
        texture(x as f32 - shift[0], y as f32 - shift[1])
    })
}

/// Mean length of the error, at least `margin` pixels away from the edge.
fn end_point_error(flow: &FlowField, margin: u32, want: impl Fn(u32, u32) -> [f32; 2]) -> f32 {
    let Size { width, height } = flow.size();
    let mut errors = Vec::new();
    for y in margin..height - margin {
        for x in margin..width - margin {
            let ([u, v], [a, b]) = (flow.at(x, y), want(x, y));
            errors.push((u - a).hypot(v - b));
        }
    }
    errors.iter().sum::<f32>() / errors.len() as f32
}

#[test]
fn both_methods_find_a_shift() {
    let shift = [5.3, -3.6];
    for (name, method) in [
        ("dis", dis as fn(&Frame, &Frame) -> FlowField),
        ("tvl1", tvl1),
    ] {
        let flow = method(&moved([0.0; 2]), &moved(shift));
        let error = end_point_error(&flow, 10, |_, _| shift);
        assert!(error < 0.1, "{name}: {error}");
    }
}

#[test]
fn both_methods_find_a_turn() {
    let (sin, cos) = 0.06_f32.sin_cos();
    let turned = |x: f32, y: f32| {
        let (x, y) = (x - 48.0, y - 36.0);
        [cos * x - sin * y + 48.0, sin * x + cos * y + 36.0]
    };
    let second = Frame::from_fn(SIZE, |x, y| texture(x as f32, y as f32));
    let first = Frame::from_fn(SIZE, |x, y| {
        let [x, y] = turned(x as f32, y as f32);
        texture(x, y)
    });
    for (name, method) in [
        ("dis", dis as fn(&Frame, &Frame) -> FlowField),
        ("tvl1", tvl1),
    ] {
        let error = end_point_error(&method(&first, &second), 8, |x, y| {
            let (x, y) = (x as f32, y as f32);
            let [a, b] = turned(x, y);
            [a - x, b - y]
        });
        assert!(error < 0.1, "{name}: {error}");
    }
}

#[test]
fn pictures_of_any_shape_have_a_flow() {
    for (width, height) in [(1, 1), (1, 9), (7, 5), (33, 8), (130, 3), (50, 49)] {
        let size = Size { width, height };
        let frame = Frame::from_fn(size, |x, y| texture(x as f32, y as f32));
        let flat = Frame::from_fn(size, |_, _| [90; 3]);
        for method in [dis, tvl1] {
            for other in [&frame, &flat] {
                let flow = method(&frame, other);
                assert!(
                    flow.values().iter().flatten().all(|v| v.is_finite()),
                    "{size}"
                );
            }
            let still = method(&frame, &frame);
            assert!(
                still.values().iter().all(|[u, v]| u.hypot(*v) < 1e-3),
                "{size}"
            );
        }
    }
}

#[test]
fn dis_does_not_depend_on_threads() {
    let (first, second) = (moved([0.0; 2]), moved([2.0, 1.0]));
    let alone = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let many = rayon::ThreadPoolBuilder::new()
        .num_threads(5)
        .build()
        .unwrap();
    let flow = |pool: &rayon::ThreadPool| pool.install(|| dis(&first, &second));
    assert_eq!(flow(&alone), flow(&many));
}

#[test]
fn a_ring_joins_the_last_frame_and_the_first() {
    let shifts = [[0.0, 0.0], [3.0, 0.0], [3.0, -2.0]];
    let frames = shifts.map(moved);
    let ring = FlowEstimator::Dis.estimate(&frames, &Device::flex());
    assert_eq!(ring.n_frames(), 3);
    let forward = fields(ring.forward.clone()).unwrap();
    let backward = fields(ring.backward.clone()).unwrap();
    for i in 0..3 {
        let (own, next) = (shifts[i], shifts[(i + 1) % 3]);
        let step = [next[0] - own[0], next[1] - own[1]];
        assert!(end_point_error(&forward[i], 10, |_, _| step) < 0.1, "{i}");
        let back = step.map(|v| -v);
        assert!(end_point_error(&backward[i], 10, |_, _| back) < 0.1, "{i}");
    }
    occluded_at_edges_only(&ring);
    let small = ring.at_stride(8);
    assert_eq!(small.forward.dims(), [3, 2, 9, 12]);
    assert_eq!(small.backward_occlusion.dims(), [3, 9, 12]);
    let middle = host(small.forward)[4 * 12 + 6];
    assert!((middle - 3.0 / 8.0).abs() < 0.02, "{middle}");
}

fn occluded_at_edges_only(ring: &FlowRing) {
    let (width, height) = (SIZE.width as usize, SIZE.height as usize);
    for mask in [&ring.forward_occlusion, &ring.backward_occlusion] {
        let mask = host(mask.clone());
        assert!(mask.iter().all(|v| [0.0, 1.0].contains(v)));
        let inner = (0..mask.len()).filter(|i| {
            let (x, y) = (i % width, i / width % height);
            (10..width - 10).contains(&x) && (10..height - 10).contains(&y)
        });
        let hidden = inner.filter(|&i| mask[i] > 0.0).count();
        assert_eq!(hidden, 0, "nothing is hidden in the middle");
    }
    // The first pair moves three pixels to the right, and its last columns leave the picture.
    let first = host(ring.forward_occlusion.clone());
    assert!(first[36 * width + width - 1] > 0.5);
}

#[test]
fn one_frame_is_a_ring_of_its_own() {
    let ring = FlowEstimator::Dis.estimate(&[moved([0.0; 2])], &Device::flex());
    assert!(host(ring.forward).iter().all(|v| v.abs() < 1e-3));
    assert!(host(ring.backward_occlusion).iter().all(|&v| v < 0.5));
}
