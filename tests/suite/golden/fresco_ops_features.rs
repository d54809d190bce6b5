//! Statistics, background fusion and pictures as numbers, each on its own.

use fresco_studio::flow::FlowRing;
use fresco_studio::flow::occlusion::dilate;
use fresco_studio::flow::resize::{down, up2};
use fresco_studio::frame::{Frame, Size};
use fresco_studio::fresco::adain::{adain, mean_and_deviation};
use fresco_studio::fresco::background::BackgroundFusion;
use fresco_studio::fresco::correspondence::GROWTH;
use fresco_studio::fresco::optimize::tokens_of;
use fresco_studio::tensor::image::{frames_from_signed, signed_from_frames};
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
    got.extend(conversions(&golden, device));
    let fusions = golden.keys().filter_map(|name| {
        let stack = name.strip_suffix(".in")?;
        Some((
            stack,
            stack.strip_prefix("warp_tensor.scale")?.parse().ok()?,
        ))
    });
    for (name, stride) in fusions {
        let stack = upload(&golden[&format!("{name}.in")], device);
        if let Some(fused) = fuse(&golden, stack, stride, device) {
            got.push((format!("{name}.out"), values(fused)));
        }
    }
    let compare = |(name, got): &(String, Vec<f32>)| {
        fixture.assert_close(name, got, golden.get(name)?);
        Some(())
    };
    let compared = got.iter().filter_map(compare).count();
    if compared == 0 {
        eprintln!("skipped: {} has nothing of these", fixture.name);
    }
}

/// Bytes to numbers and back.
fn conversions(golden: &Golden, device: &Device) -> Vec<(String, Vec<f32>)> {
    let mut got = Vec::new();
    if let Some(bytes) = golden.get("numpy2tensor.in") {
        let [height, width] = [bytes.shape[1], bytes.shape[2]].map(|side| side as u32);
        let frames: Vec<Frame> = bytes
            .values
            .chunks(bytes.values.len() / bytes.shape[0])
            .map(|frame| Frame::new(Size { width, height }, as_bytes(frame)))
            .collect();
        let signed = signed_from_frames(&frames.iter().collect::<Vec<_>>(), device);
        got.push(("numpy2tensor.out".to_owned(), values(signed)));
    }
    if let Some(signed) = golden.get("tensor2numpy.in") {
        let frames = frames_from_signed(upload(signed, device)).unwrap();
        let levels = frames.iter().flat_map(Frame::pixels);
        let levels = levels.map(|&level| f32::from(level)).collect();
        got.push(("tensor2numpy.out".to_owned(), levels));
    }
    got
}

fn as_bytes(levels: &[f32]) -> Vec<u8> {
    levels.iter().map(|&level| level as u8).collect()
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
        for name in golden.keys() {
            // The reference passes its number of chunks, one if nothing is said, where the style's epsilon is expected.
            let epsilon = match name.strip_prefix("adain.") {
                Some("out") => Some(1.0),
                rest => rest
                    .and_then(|rest| rest.strip_prefix("chunk"))
                    .and_then(|n| n.parse().ok()),
            };
            if let Some(epsilon) = epsilon {
                let mixed = adain(tokens_of(upload(content, device)), &style, epsilon);
                got.push((name.clone(), maps(mixed)));
            }
        }
    }
    got
}

/// Nothing where flow or background are not there.
fn fuse(golden: &Golden, stack: Tensor<4>, stride: usize, device: &Device) -> Option<Tensor<4>> {
    let names = ["fb.fwd", "fb.bwd", "fb.fwd_occ", "fb.bwd_occ"];
    let has_flow = names.iter().all(|name| golden.contains_key(*name));
    let full: FlowRing = has_flow.then(|| ring_named(golden, names, device))?;
    let background: Tensor<4> = upload(golden.get("warp_tensor.saliency")?, device);
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
    Some(BackgroundFusion::new(&background, &ring)?.fuse(stack))
}
