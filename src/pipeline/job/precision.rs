//! In which precision U-Net and `ControlNets` compute. Autoencoder, text model and helper networks always take 32 bits.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::tensor::FloatDType;

/// In which precision U-Net and `ControlNets` compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Half where the device has it, else full.
    #[default]
    Auto,
    /// 32 bits: more exact, for more memory and time.
    Full,
    /// 16 bits, on a device that has it.
    Half,
}

impl Precision {
    /// The type in which networks compute, given the one that the device takes by itself.
    #[must_use]
    pub fn dtype(self, own: FloatDType) -> FloatDType {
        match self {
            Self::Full => FloatDType::F32,
            Self::Auto | Self::Half => own,
        }
    }

    /// Whether the device chooses.
    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "this is how a field is handed over"
    )]
    pub(super) fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// As it is named on a command line.
impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Full => "full",
            Self::Half => "half",
        })
    }
}
