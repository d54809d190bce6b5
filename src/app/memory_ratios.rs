//! How much memory a batch takes, by what was estimated and what was measured.
//!
//! How far an estimate is off depends on the device and its driver, on the networks and their precision, and on what holds
//! most, which guidance decides: what was measured corrects only estimates where all of these are the same.

use serde::{Deserialize, Serialize};

use super::preferences::Preferences;
use super::state::AppState;
use crate::pipeline::job::Consistency;
use crate::worker::message::MeasuredMemory;

/// The most measurements that are kept.
const MOST: usize = 64;

/// What a measurement holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MeasuredOn {
    /// Name of the device.
    pub device: String,
    /// What the model and its `ControlNets` are called.
    pub model: String,
    /// Whether they compute in half precision.
    pub half: bool,
    /// How frames are guided.
    pub guidance: Consistency,
}

/// A measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryRatio {
    /// What it holds for.
    #[serde(flatten)]
    pub on: MeasuredOn,
    /// How many times the estimate was needed.
    pub ratio: f64,
}

impl Preferences {
    /// Keeps a measurement, in place of an older one of the same.
    fn measured_memory(&mut self, on: MeasuredOn, ratio: f64) {
        self.memory_ratios.retain(|older| older.on != on);
        self.memory_ratios.insert(0, MemoryRatio { on, ratio });
        self.memory_ratios.truncate(MOST);
    }
}

impl AppState {
    /// What a measurement holds for that is made with the settings of now; unknown before model and device are.
    pub(super) fn measured_on(&self) -> Option<MeasuredOn> {
        let spec = &self.project.as_ref()?.edits.spec;
        let (device, model) = (self.device.ready()?, self.model.ready()?);
        Some(MeasuredOn {
            device: device.name.clone(),
            model: model.name.clone(),
            half: device.half,
            guidance: Consistency::from(&spec.guidance),
        })
    }

    /// Bytes that a batch needs: the estimate, corrected by what was last measured [where all was the
    /// same](MeasuredOn). Also says whether it was.
    pub(super) fn needed_memory(&self, estimated: u64) -> (u64, bool) {
        let now = self.measured_on();
        let mut ratios = self.preferences.memory_ratios.iter();
        match ratios.find(|ratio| Some(&ratio.on) == now.as_ref()) {
            Some(MemoryRatio { ratio, .. }) => ((estimated as f64 * ratio) as u64, true),
            None => (estimated, false),
        }
    }

    /// Learns from a batch of the running job how far the estimate is from what the device's allocator takes.
    pub(super) fn learn_memory(&mut self, memory: MeasuredMemory) {
        let on = self.job.as_ref().and_then(|job| job.measured_on.clone());
        let Some(on) = on.filter(|_| memory.estimated > 0) else {
            return;
        };
        // What is beyond this is no property of any networks.
        let ratio = (memory.measured as f64 / memory.estimated as f64).clamp(0.5, 2.0);
        self.preferences.measured_memory(on, ratio);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::job::ConsistencySpec;

    #[test]
    fn the_newest_measurements_are_kept() {
        let mut preferences = Preferences::default();
        let on = |i: usize| MeasuredOn {
            device: "Some card".to_owned(),
            model: i.to_string(),
            half: true,
            guidance: Consistency::from(&ConsistencySpec::default()),
        };
        for i in 0..2 * MOST {
            preferences.measured_memory(on(i), 1.0);
        }
        preferences.measured_memory(on(2 * MOST - 2), 1.5);
        let kept = &preferences.memory_ratios;
        assert_eq!(kept.len(), MOST);
        assert_eq!((&kept[0].on, kept[0].ratio), (&on(2 * MOST - 2), 1.5));
        assert_eq!(kept[1].on, on(2 * MOST - 1));
        let (read, lost) = Preferences::from_text(&preferences.to_text());
        assert_eq!((read, lost), (preferences, vec![]));
    }
}
