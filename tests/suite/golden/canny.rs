//! Canny edges against OpenCV's, for every picture and pair of thresholds of a fixture.

use fresco_studio::annotators::canny;
use fresco_studio::frame::Frame;

use super::fixture::{Fixture, for_each};

#[test]
fn canny_equals_the_reference() {
    for_each("canny", |fixture| {
        let cases = cases(fixture);
        assert!(!cases.is_empty(), "{}: no case", fixture.name);
        for (file, picture, low, high) in cases {
            let frame = Frame::read(&fixture.path.join(format!("{picture}_image.png"))).unwrap();
            let want = Frame::read(&fixture.path.join(&file)).unwrap();
            let got = canny(&frame, low, high);
            assert_eq!(got.size(), want.size(), "{file}");
            let differ = |(got, want): (&f32, &[u8])| (*got > 0.5) != (want[0] > 127);
            let pairs = got.values().iter().zip(want.pixels().chunks_exact(3));
            let n_different = pairs.filter(|pair| differ(*pair)).count();
            let share = n_different as f32 / want.size().area() as f32;
            eprintln!("  {}/{file}: {n_different} pixels differ", fixture.name);
            assert!(
                share <= fixture.tolerance(),
                "{}/{file}: {share}",
                fixture.name
            );
        }
    });
}

/// Files named `<picture>_canny_<low>_<high>.png`, with their parts.
fn cases(fixture: &Fixture) -> Vec<(String, String, u8, u8)> {
    let entries = std::fs::read_dir(&fixture.path).unwrap();
    entries
        .filter_map(|entry| {
            let file = entry.unwrap().file_name().into_string().ok()?;
            let (picture, thresholds) = file.strip_suffix(".png")?.split_once("_canny_")?;
            let (low, high) = thresholds.split_once('_')?;
            let (low, high) = (low.parse().ok()?, high.parse().ok()?);
            Some((file.clone(), picture.to_owned(), low, high))
        })
        .collect()
}
