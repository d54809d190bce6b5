//! Reads the golden cases of filling: real clips, flows and results of the reference.
//!
//! A case is a folder with a `metrics.json` under `FRESCO_GOLDEN_FILL`, else under `../shared/golden/interpolation`.

use std::path::{Path, PathBuf};

use fresco_studio::flow::FlowField;
use fresco_studio::frame::{Frame, Size};
use fresco_studio::synth::guides::{PositionMap, edge, fill, ramp, warp_nearest};
use fresco_studio::synth::{Guides, Mask, Source};
use serde_json::Value;

/// One folder of golden data.
pub struct Case {
    pub name: String,
    pub path: PathBuf,
    pub interval: usize,
    pub metrics: Value,
}

/// One synthesis of a case whose guides are stored.
#[derive(Clone, Debug)]
pub struct Step {
    pub direction: String,
    pub frame: usize,
    pub mean_error: f64,
    pub mean_occupancy: f64,
}

/// Runs `check` on every case; finding none fails where some are expected, and is said elsewhere.
pub fn for_each(check: impl Fn(&Case)) {
    let cases = cases();
    if cases.is_empty() {
        eprintln!("skipped: no golden case of filling");
    }
    for case in &cases {
        eprintln!("case {}", case.name);
        check(case);
    }
}

/// Every case, by name.
pub fn cases() -> Vec<Case> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let set = std::env::var_os("FRESCO_GOLDEN_FILL");
    let root = set.clone().map_or_else(
        || package.join("../shared/golden/interpolation"),
        PathBuf::from,
    );
    let entries = std::fs::read_dir(&root).into_iter().flatten();
    let mut cases: Vec<Case> = entries
        .filter_map(|entry| Case::read(entry.ok()?.path()))
        .collect();
    assert!(
        !(set.is_some() && cases.is_empty()),
        "no case under {}",
        root.display()
    );
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

impl Case {
    fn read(path: PathBuf) -> Option<Self> {
        let text = std::fs::read_to_string(path.join("metrics.json")).ok()?;
        let metrics: Value = serde_json::from_str(&text).unwrap();
        Some(Self {
            name: path.file_name()?.to_string_lossy().into_owned(),
            interval: metrics["interval"].as_u64().unwrap() as usize,
            path,
            metrics,
        })
    }

    /// Syntheses whose position and temporal guides are stored; where none are, one whose guides we make.
    pub fn steps(&self) -> Vec<Step> {
        let read = |step: &Value| Step {
            direction: step["direction"].as_str().unwrap().to_owned(),
            frame: step["frame"].as_u64().unwrap() as usize,
            mean_error: step["mean_error"].as_f64().unwrap(),
            mean_occupancy: step["mean_occupancy"].as_f64().unwrap(),
        };
        let steps = self.metrics["steps"].as_array().unwrap().iter().map(read);
        let steps: Vec<Step> = steps.collect();
        let is_stored = |s: &&Step| self.path.join(s.guide("temporal")).is_file();
        let stored: Vec<Step> = steps.iter().filter(is_stored).cloned().collect();
        if stored.is_empty() {
            return steps.into_iter().skip(1).take(1).collect();
        }
        stored
    }

    pub fn frame(&self, file: impl AsRef<Path>) -> Frame {
        Frame::read(&self.path.join(file)).unwrap()
    }

    pub fn input(&self, frame: usize) -> Frame {
        self.frame(format!("input/{frame:04}.png"))
    }

    /// The picture that the reference synthesised.
    pub fn reference(&self, step: &Step) -> Frame {
        self.frame(format!(
            "reference/{}/{:04}.png",
            step.direction, step.frame
        ))
    }

    /// Frame number of the key that a pass starts from.
    pub fn key_of(&self, direction: &str) -> usize {
        if direction == "forward" {
            0
        } else {
            self.interval
        }
    }

    /// Flow on the grid of `frame`, pointing into `into`, and which of its pixels are occluded.
    pub fn flow(&self, frame: usize, into: usize) -> (FlowField, Mask) {
        let path = self
            .path
            .join(format!("flow/cur_{frame:04}_prev_{into:04}.png"));
        let picture = image::open(&path).unwrap().into_rgb16();
        let size = Size {
            width: picture.width(),
            height: picture.height(),
        };
        let component = |v: u16| (f32::from(v) - 32768.0) / 64.0 + 1.0 / 128.0;
        let vectors = picture.pixels().map(|p| [component(p[0]), component(p[1])]);
        let field = FlowField::new(size, vectors.collect());
        (
            field,
            Mask::new(size, picture.pixels().map(|p| p[2] > 0).collect()),
        )
    }

    /// Where in its key each pixel of a step's frame lies, by composing the flows of the pass.
    pub fn start(&self, step: &Step) -> PositionMap {
        let key = self.key_of(&step.direction);
        let frames: Vec<usize> = if key == 0 {
            (0..=step.frame).collect()
        } else {
            (step.frame..=key).rev().collect()
        };
        let map = PositionMap::identity(self.input(0).size());
        frames.windows(2).fold(map, |map, pair| {
            let (flow, occluded) = self.flow(pair[1], pair[0]);
            map.advanced(&flow, &occluded)
        })
    }

    /// All pictures of a synthesis: those that the reference had where they are stored, else made by us.
    pub fn pictures(&self, step: &Step) -> Pictures {
        let key = self.key_of(&step.direction);
        let (style, from, to) = (
            self.frame(format!("keys/{key:04}.png")),
            self.input(key),
            self.input(step.frame),
        );
        let stored = |kind| {
            let file = step.guide(kind);
            self.path.join(&file).is_file().then(|| self.frame(file))
        };
        Pictures {
            source: [edge(&from), ramp(from.size()), from],
            target: [
                edge(&to),
                stored("position").unwrap_or_else(|| self.start(step).guide()),
                to,
            ],
            temporal: stored("temporal").unwrap_or_else(|| self.temporal(step, key)),
            style,
        }
    }

    fn temporal(&self, step: &Step, key: usize) -> Frame {
        let before = if key == 0 {
            step.frame - 1
        } else {
            step.frame + 1
        };
        let folder = format!("reference/{}", step.direction);
        let folder = if before == key { "keys" } else { &folder };
        let previous = self.frame(format!("{folder}/{before:04}.png"));
        let (flow, occluded) = self.flow(step.frame, before);
        fill(&warp_nearest(&previous, &flow), &occluded)
    }
}

/// The pictures of one synthesis: edges, positions and the frame itself, of the keyframe and of the frame to paint.
pub struct Pictures {
    pub style: Frame,
    source: [Frame; 3],
    target: [Frame; 3],
    temporal: Frame,
}

impl Pictures {
    pub fn source(&self) -> Source {
        Source::new(&self.style, &self.source_guides()).unwrap()
    }

    pub fn source_guides(&self) -> Guides<'_> {
        guides(&self.source, &self.style)
    }

    pub fn target(&self) -> Guides<'_> {
        guides(&self.target, &self.temporal)
    }
}

fn guides<'a>([edge, position, colour]: &'a [Frame; 3], temporal: &'a Frame) -> Guides<'a> {
    Guides {
        colour,
        edge,
        temporal,
        position,
    }
}

impl Step {
    fn guide(&self, kind: &str) -> String {
        format!("guides/{kind}_{}_{:04}.png", self.direction, self.frame)
    }
}

/// Peak signal-to-noise ratio over all channels.
pub fn psnr(a: &Frame, b: &Frame) -> f64 {
    let squares = a
        .pixels()
        .iter()
        .zip(b.pixels())
        .map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    let mean = squares.sum::<f64>() / a.pixels().len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

/// Mean structural similarity: Gaussian windows of 11 pixels and σ = 1.5 inside the picture, channels averaged.
pub fn ssim(a: &Frame, b: &Frame) -> f64 {
    let gauss: Vec<f64> = (-5..=5).map(|i| (-f64::from(i * i) / 4.5).exp()).collect();
    let total: f64 = gauss.iter().sum();
    let size = a.size();
    let (w, h) = (size.width as usize, size.height as usize);
    let blur = |v: &[f64]| -> Vec<f64> {
        let across = (0..h).flat_map(|y| (5..w - 5).map(move |x| y * w + x));
        let rows: Vec<f64> = across
            .map(|i| (0..11).map(|k| gauss[k] * v[i + k - 5]).sum::<f64>() / total)
            .collect();
        let n = w - 10;
        let down = (5..h - 5).flat_map(|y| (0..n).map(move |x| (x, y)));
        down.map(|(x, y)| {
            (0..11)
                .map(|k| gauss[k] * rows[(y + k - 5) * n + x])
                .sum::<f64>()
                / total
        })
        .collect()
    };
    let plane = |f: &Frame, c: usize| -> Vec<f64> {
        f.pixels()
            .iter()
            .skip(c)
            .step_by(3)
            .map(|v| f64::from(*v))
            .collect()
    };
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<_>>();
    let (c1, c2) = ((0.01 * 255.0_f64).powi(2), (0.03 * 255.0_f64).powi(2));
    let of_channel = |c| {
        let (a, b) = (plane(a, c), plane(b, c));
        let [ma, mb] = [&a, &b].map(|v| blur(v));
        let [aa, bb, ab] = [(&a, &a), (&b, &b), (&a, &b)].map(|(a, b)| blur(&product(a, b)));
        let at = |i: usize| {
            let (va, vb) = (aa[i] - ma[i] * ma[i], bb[i] - mb[i] * mb[i]);
            let vab = ab[i] - ma[i] * mb[i];
            (2.0 * ma[i] * mb[i] + c1) * (2.0 * vab + c2)
                / ((ma[i] * ma[i] + mb[i] * mb[i] + c1) * (va + vb + c2))
        };
        (0..ma.len()).map(at).sum::<f64>() / ma.len() as f64
    };
    (0..3).map(of_channel).sum::<f64>() / 3.0
}
