//! What annotators do with simple pictures.

use fresco_studio::annotators::{Annotator, ControlImage, canny, contrast_with_border, soft_edges};
use fresco_studio::frame::{Frame, Size};
use proptest::prelude::*;

const SIZE: Size = Size {
    width: 24,
    height: 18,
};

fn values_at(image: &ControlImage, x: u32, y: u32) -> f32 {
    image.values()[(y * image.size().width + x) as usize]
}

/// Dark left of column 12, brighter by `step` from there on, in one channel.
fn edge(step: u8) -> Frame {
    Frame::from_fn(SIZE, |x, _| [40, if x < 12 { 40 } else { 40 + step }, 40])
}

#[test]
fn canny_draws_a_thin_line_along_an_edge() {
    let lines = canny(&edge(100), 50, 100);
    for y in 0..SIZE.height {
        let marked: Vec<u32> = (0..SIZE.width)
            .filter(|&x| values_at(&lines, x, y) > 0.5)
            .collect();
        assert_eq!(marked, [11], "row {y}");
    }
}

#[test]
fn canny_keeps_weak_edges_only_where_they_join_strong_ones() {
    // A Sobel step of 20 grey levels is 80: between the thresholds.
    let weak = canny(&edge(20), 50, 100);
    assert!(weak.values().iter().all(|&v| v < 0.5));
    let joined = Frame::from_fn(SIZE, |x, y| {
        let step = if y < 6 { 100 } else { 20 };
        [40 + if x < 12 { 0 } else { step }; 3]
    });
    let joined = canny(&joined, 50, 100);
    assert!(values_at(&joined, 11, SIZE.height - 1) > 0.5);
}

#[test]
fn canny_takes_thresholds_in_any_order() {
    assert_eq!(canny(&edge(30), 50, 100), canny(&edge(30), 100, 50));
}

#[test]
fn soft_edges_peak_at_the_edge() {
    let edges = soft_edges(&edge(200));
    let peak = values_at(&edges, 11, 9);
    assert!(peak > 0.5, "{peak}");
    assert!(
        (peak - values_at(&edges, 12, 9)).abs() < 1e-4,
        "symmetric about the edge"
    );
    assert!(values_at(&edges, 2, 9) < 0.05);
}

#[test]
fn what_differs_from_the_border_is_salient() {
    let size = Size {
        width: 128,
        height: 96,
    };
    // A disc with a hole in it, on a sky that grows brighter.
    let (x0, y0) = (70.0_f32, 44.0);
    let distance = |x: u32, y: u32| (x as f32 - x0).hypot(y as f32 - y0);
    let frame = Frame::from_fn(size, |x, y| match distance(x, y) {
        8.0..24.0 => [200, 60, 40],
        _ => [90, 120, 150 + y as u8],
    });
    let mask = contrast_with_border(&frame);
    let half = Size {
        width: 64,
        height: 48,
    };
    assert_eq!(mask.size(), half);
    let (mut missed, mut needless, mut n_outside) = (0, 0, 0);
    for (x, y) in (0..48).flat_map(|y| (0..64).map(move |x| (x, y))) {
        let is_marked = values_at(&mask, x, y) > 0.5;
        match distance(2 * x, 2 * y) {
            d if d < 20.0 => missed += usize::from(!is_marked),
            d if d > 34.0 => {
                needless += usize::from(is_marked);
                n_outside += 1;
            }
            _ => {}
        }
    }
    assert_eq!(missed, 0, "pixels of the disc and its hole");
    assert!(needless < n_outside / 10, "{needless} of {n_outside}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn masks_are_half_as_large_and_a_flat_picture_has_nothing_salient(
        (w, h) in (2..70_u32, 2..70_u32),
        factors in any::<[u8; 3]>(),
    ) {
        let size = Size { width: w, height: h };
        let pattern = |x: u32, y: u32| factors.map(|f| (u32::from(f) * (x * 3 + y * y)) as u8);
        let mask = contrast_with_border(&Frame::from_fn(size, pattern));
        prop_assert_eq!(mask.size(), Size { width: w / 2, height: h / 2 });
        prop_assert!(mask.values().iter().all(|v| (0.0..=1.0).contains(v)));
        let flat = contrast_with_border(&Frame::from_fn(size, |_, _| factors));
        prop_assert!(flat.values().iter().all(|&v| v < 1e-6));
    }

    #[test]
    fn control_images_have_the_size_and_range_of_their_kind(
        (w, h) in (1..20_u32, 1..20_u32),
        factors in any::<[u8; 3]>(),
        annotator in prop_oneof![
            Just(Annotator::SoftEdges),
            Just(Annotator::Canny { low: 50, high: 100 }),
        ],
    ) {
        let size = Size { width: w, height: h };
        let pattern = |x: u32, y: u32| factors.map(|f| (u32::from(f) * (x * 3 + y * y)) as u8);
        let annotate = |frame: &Frame| annotator.annotate(frame).unwrap();
        let image = annotate(&Frame::from_fn(size, pattern));
        prop_assert_eq!(image.size(), size);
        prop_assert!(image.values().iter().all(|v| (0.0..=1.0).contains(v)));
        let flat = annotate(&Frame::from_fn(size, |_, _| factors));
        prop_assert!(flat.values().iter().all(|&v| v < 1e-6), "flat is black");
    }
}
