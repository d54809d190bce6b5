//! Looks: named presets of prompt words and settings, as data in `assets/looks/`.
//!
//! A look's words are added to the prompt when a [`Job`](super::Job) is made; its numbers are written into the
//! [`JobSpec`] when the look is chosen, so that what the user sets afterwards stands.

use serde::Deserialize;

use super::JobSpec;

/// A named preset, made for the bundled demo model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Look {
    /// Name on a label.
    pub title: String,
    /// Added to the prompt, or the prompt where there is none.
    pub words: String,
    /// What to avoid.
    #[serde(default)]
    pub negative: String,
    /// Denoising strength.
    pub strength: f32,
    /// Guidance scale.
    pub guidance_scale: f32,
    /// Factor on the residuals of every `ControlNet`.
    pub control_strength: f32,
}

impl Look {
    /// The names that [`Look::named`] knows, sorted.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(name, _)| *name)
    }

    /// The look of that name, if there is one.
    ///
    /// # Panics
    /// Never: the files are part of the program, and a test reads all of them.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (_, text) = FILES.iter().find(|(known, _)| *known == name)?;
        // infallible: the files are part of the program, and a test reads all of them
        Some(toml::from_str(text).expect("a bundled look"))
    }

    /// Writes its settings into a job, except those that are `fixed`; fields are named as in [`JobSpec`].
    pub fn apply(&self, spec: &mut JobSpec, fixed: impl Fn(&str) -> bool) {
        for (field, target, value) in [
            ("strength", &mut spec.strength, self.strength),
            (
                "guidance_scale",
                &mut spec.guidance_scale,
                self.guidance_scale,
            ),
            (
                "control_strength",
                &mut spec.control_strength,
                self.control_strength,
            ),
        ] {
            if !fixed(field) {
                *target = value;
            }
        }
        if !fixed("negative") {
            spec.negative.clone_from(&self.negative);
        }
    }
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../assets/looks/", $name, ".toml")))),*]
    };
}

/// Name and text of each bundled look, by name.
const FILES: &[(&str, &str)] = files![
    "autumn",
    "blueprint",
    "cartoon",
    "charcoal",
    "cyberpunk",
    "neon",
    "night",
    "oil",
    "photo",
    "snow",
    "sunset",
    "watercolor",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::job::Job;

    #[test]
    fn every_bundled_look_makes_a_job() {
        assert!(FILES.is_sorted(), "names are listed in this order");
        for name in Look::names() {
            let look = Look::named(name).unwrap();
            assert!(!look.title.is_empty() && !look.words.is_empty(), "{name}");
            let mut spec = JobSpec {
                source: "clip.mp4".into(),
                out: "out.mp4".into(),
                look: Some(name.to_owned()),
                ..JobSpec::default()
            };
            look.apply(&mut spec, |_| false);
            let job = Job::new(&spec).unwrap();
            assert_eq!(job.prompt.text, look.words);
            assert!((job.sampling.guidance_scale - look.guidance_scale).abs() < f32::EPSILON);
        }
    }

    #[test]
    fn what_is_fixed_stands() {
        let look = Look::named("neon").unwrap();
        let mut spec = JobSpec {
            strength: 0.3,
            negative: "blurry".to_owned(),
            ..JobSpec::default()
        };
        look.apply(&mut spec, |field| {
            field == "strength" || field == "negative"
        });
        assert!((spec.strength - 0.3).abs() < f32::EPSILON);
        assert_eq!(spec.negative, "blurry");
        assert!((spec.control_strength - look.control_strength).abs() < f32::EPSILON);
    }
}
