//! Statistics and background fusion on their own.

use fresco_studio::flow::FlowRing;
use fresco_studio::flow::occlusion::dilate;
use fresco_studio::flow::resize::{down, up2};
use fresco_studio::fresco::adain::{adain, mean_and_deviation};
use fresco_studio::fresco::background::BackgroundFusion;
use fresco_studio::fresco::correspondence::GROWTH;
use fresco_studio::fresco::optimize::tokens_of;
use fresco_studio::tensor::{Device, Tensor};

use super::fixture::{self, Fixture};
use super::fresco::{Golden, ring_named};
use super::{upload, values};

#[test]
fn feature_operations_match_the_reference() {
    fixture::for_each("fresco_ops", |fixture| check(fixture, &Device::flex()));
}

pub fn check(fixture: &Fixture, device: &Device) {
    let golden = fixture.tensors("golden.safetensors");
    let mut got = statistics(&golden, device);
    let fusions = golden.keys().filter_map(|name| {
        let stack = name.strip_suffix(".in")?;
        Some((
            stack,
            stack.strip_prefix("warp_tensor.scale")?.parse().ok()?,
        ))
    });
    for (name, stride) in fusions {
        let stack = upload(&golden[&format!("{name}.in")], device);
        let fused = fuse(&golden, stack, stride, device);
        got.push((format!("{name}.out"), values(fused)));
    }
    let compare = |(name, got): &(String, Vec<f32>)| {
        fixture.assert_close(name, got, golden.get(name)?);
        Some(())
    };
    let compared = got.iter().filter_map(compare).count();
    assert!(compared > 0, "{}: nothing to compare", fixture.name);
}

fn statistics(golden: &Golden, device: &Device) -> Vec<(String, Vec<f32>)> {
    let Some(style) = golden.get("adain.style") else {
        return Vec::new();
    };
    let maps = |tokens: Tensor<3>| values(tokens.swap_dims(1, 2));
    let style = tokens_of(upload(style, device));
    let [mean, deviation] = mean_and_deviation(&style, 1e-5);
    let mut got = vec![
        ("style.mean".to_owned(), maps(mean)),
        ("style.std".to_owned(), maps(deviation)),
    ];
    if let Some(content) = golden.get("adain.content") {
        // The reference passes its number of chunks where the style's epsilon is expected.
        for (name, epsilon) in [("adain.out", 1.0), ("adain.chunk2", 2.0)] {
            let mixed = adain(tokens_of(upload(content, device)), &style, epsilon);
            got.push((name.to_owned(), maps(mixed)));
        }
    }
    got
}

fn fuse(golden: &Golden, stack: Tensor<4>, stride: usize, device: &Device) -> Tensor<4> {
    let names = ["fb.fwd", "fb.bwd", "fb.fwd_occ", "fb.bwd_occ"];
    let full: FlowRing = ring_named(golden, names, device);
    let background: Tensor<4> = upload(&golden["warp_tensor.saliency"], device);
    let (background, ring) = if stride == 1 {
        let ring = FlowRing {
            forward_occlusion: dilate(&full.forward_occlusion, GROWTH),
            backward_occlusion: dilate(&full.backward_occlusion, GROWTH),
            ..full
        };
        (up2(&background), ring)
    } else {
        (down(&background, stride / 2), full.at_stride(stride))
    };
    let fusion = BackgroundFusion::new(&background, &ring).expect("several frames");
    fusion.fuse(stack)
}
