//! Soft edges against the detector that the demo model was trained with.

use fresco_studio::annotators::soft_edges;
use fresco_studio::frame::{Frame, Size};

use super::fixture::for_each;

#[test]
fn soft_edges_equal_the_reference() {
    for_each("soft_edges", |fixture| {
        let tensors = fixture.tensors("golden.safetensors");
        let mut n_cases = 0;
        for (key, want) in &tensors {
            let Some(picture) = key.strip_suffix(".edges") else {
                continue;
            };
            let frame = if picture == "flat" {
                let size = Size {
                    width: want.shape[1] as u32,
                    height: want.shape[0] as u32,
                };
                Frame::from_fn(size, |_, _| [128; 3])
            } else {
                Frame::read(&fixture.path.join(format!("{picture}_image.png"))).unwrap()
            };
            let got = soft_edges(&frame);
            let shape = [got.size().height as usize, got.size().width as usize];
            assert_eq!(want.shape, shape, "{}/{key}", fixture.name);
            fixture.assert_within(key, got.values(), want, fixture.tolerance());
            n_cases += 1;
        }
        assert!(n_cases > 0, "{}: no case", fixture.name);
    });
}
