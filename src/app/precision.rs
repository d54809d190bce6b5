//! In which precision networks compute: what the user chose, and what the device in use makes of it.

use super::actions::TranslateScope;
use super::state::AppState;
use crate::pipeline::job::{JobSpec, Precision};

impl AppState {
    /// The job that the settings of the project make on this machine.
    #[must_use]
    pub fn job_spec(&self, scope: TranslateScope) -> Option<JobSpec> {
        let project = self.project.as_ref()?;
        Some(JobSpec {
            precision: self.precision(),
            ..project.job_spec(scope)
        })
    }

    /// What jobs are told: the user's choice, unless the device in use is known not to have it.
    #[must_use]
    pub fn precision(&self) -> Precision {
        let lacks_half = self.device.ready().is_some_and(|device| !device.half);
        match self.preferences.precision {
            Precision::Half if lacks_half => Precision::Auto,
            chosen => chosen,
        }
    }

    /// Whether networks compute in half precision; unknown before the device is.
    #[must_use]
    pub fn computes_in_half(&self) -> Option<bool> {
        let device = self.device.ready()?;
        Some(device.half && self.preferences.precision != Precision::Full)
    }

    /// What of a precision tells pictures apart: that they are full where the device would take half by itself.
    pub(super) fn told_apart(&self, precision: Precision) -> Precision {
        let has_half = self.device.ready().is_some_and(|device| device.half);
        match precision {
            Precision::Full if has_half => Precision::Full,
            _ => Precision::Auto,
        }
    }
}
