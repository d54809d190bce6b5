//! What is said of models and devices that are not quite what was hoped for.

use super::controlnets::LooksAt;
use super::engine::Denoiser;
use super::job::{ControlNetSpec, Job};
use super::observer::{Observer, Warning};
use crate::tensor::OpenDevice;

/// The CPU stands in where no GPU was asked away.
pub fn warn_of_fallback(device: &OpenDevice, observer: &dyn Observer) {
    if device.is_fallback {
        let summary = "no usable GPU: this runs on the CPU and takes much longer".to_owned();
        observer.warning(Warning {
            summary,
            hint: None,
        });
    }
}

/// The files hold what no network wants.
pub fn warn_of_unused(denoiser: &Denoiser, observer: &dyn Observer) {
    if !denoiser.unknown.is_empty() {
        observer.warning(unknown_tensors(&denoiser.unknown));
    }
    if !denoiser.unmatched.is_empty() {
        observer.warning(unmatched_layers(&denoiser.unmatched));
    }
}

/// Batches were too large.
pub fn shrunk(from: usize, to: usize) -> Warning {
    Warning {
        summary: format!("Not enough GPU memory for batches of {from}. Continuing with {to}."),
        hint: None,
    }
}

/// A model holds what no network wants.
fn unknown_tensors(names: &[String]) -> Warning {
    let (n, some) = (names.len(), some_of(names));
    Warning {
        summary: format!("the model's files hold {n} tensors that are not used ({some})"),
        hint: Some("this is harmless where they are training leftovers".to_owned()),
    }
}

/// LoRAs are made for a larger model.
fn unmatched_layers(layers: &[String]) -> Warning {
    let (n, some) = (layers.len(), some_of(layers));
    Warning {
        summary: format!("the LoRAs change {n} layers that the model does not have ({some})"),
        hint: Some(
            "the others are used; a LoRA for the SD 1.5 family has none of these".to_owned(),
        ),
    }
}

/// `ControlNets` that are shown something else than they were trained to look at, as far as their names tell.
pub fn unsuited_controls(job: &Job) -> Vec<Warning> {
    let warning = |net: &ControlNetSpec| {
        let shown = net.drawn(job.control.kind)?;
        let looks_at = LooksAt::of_path(&net.path)?;
        if looks_at.is_drawn_by(shown) {
            return None;
        }
        let name = net.path.file_name().unwrap_or(net.path.as_os_str());
        let (name, words) = (name.display(), looks_at.words());
        let control = looks_at
            .drawn_by()
            .map(|control| format!("control={control}, or "));
        let control = control.unwrap_or_default();
        Some(Warning {
            summary: format!(
                "the ControlNet {name} was trained on {words}, and is shown what \"{shown}\" draws"
            ),
            hint: Some(format!(
                "give it {control}a clip of such pictures with clip=FILE"
            )),
        })
    };
    let nets = &job.models.controlnets;
    nets.iter().filter_map(warning).collect()
}

fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let some = names[..names.len().min(SHOWN)].join(", ");
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!("{some}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::job::{ControlKind, JobSpec};

    #[test]
    fn networks_that_are_shown_something_else_are_named() {
        let warned = |net: &str, control: ControlKind| {
            let job = Job::new(&JobSpec {
                source: "a.mp4".into(),
                out: "b.mp4".into(),
                prompt: "x".to_owned(),
                controlnet: vec![net.parse().unwrap()],
                control,
                ..JobSpec::default()
            });
            let warnings = unsuited_controls(&job.unwrap());
            let warning = warnings.into_iter().next();
            warning.map(|warning| format!("{}; {}", warning.summary, warning.hint.unwrap()))
        };
        let tile = "nets/control_v11f1e_sd15_tile.safetensors";
        let said = warned(tile, ControlKind::SoftEdges).unwrap();
        for words in [
            "_tile.safetensors was trained on",
            "\"soft-edges\"",
            "clip=FILE",
        ] {
            assert!(said.contains(words), "{said}");
        }
        assert!(!said.contains("control="), "{said}");
        assert_eq!(
            warned(&format!("{tile},clip=c.mp4"), ControlKind::Canny),
            None
        );
        let depth = warned("controlnet-depth-11", ControlKind::Hed).unwrap();
        assert!(depth.contains("give it control=depth, or"), "{depth}");
        let own = "controlnet-depth-11,control=depth";
        assert_eq!(warned(own, ControlKind::Hed), None);
        let own = "controlnet-hed,control=canny";
        assert!(warned(own, ControlKind::Hed).unwrap().contains("\"canny\""));
        assert_eq!(warned("controlnet-hed", ControlKind::SoftEdges), None);
        assert_eq!(warned("my-own-net", ControlKind::Depth), None);
    }
}
