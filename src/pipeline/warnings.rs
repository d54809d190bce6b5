//! What is said of models and devices that are not quite what was hoped for.

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

/// Batches were too large.
pub fn shrunk(from: usize, to: usize) -> Warning {
    Warning {
        summary: format!("Not enough GPU memory for batches of {from}. Continuing with {to}."),
        hint: None,
    }
}

/// A model holds what no network wants.
pub fn unknown_tensors(names: &[String]) -> Warning {
    let (n, some) = (names.len(), some_of(names));
    Warning {
        summary: format!("the model's files hold {n} tensors that are not used ({some})"),
        hint: Some("this is harmless where they are training leftovers".to_owned()),
    }
}

/// LoRAs are made for a larger model.
pub fn unmatched_layers(layers: &[String]) -> Warning {
    let (n, some) = (layers.len(), some_of(layers));
    Warning {
        summary: format!("the LoRAs change {n} layers that the model does not have ({some})"),
        hint: Some(
            "the others are used; a LoRA for the SD 1.5 family has none of these".to_owned(),
        ),
    }
}

fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let some = names[..names.len().min(SHOWN)].join(", ");
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!("{some}{more}")
}
