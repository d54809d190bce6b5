//! What every published `config.json` has in common: reading it and refusing what we cannot run.
//!
//! A network is built from its config before its weights are looked at, so a config must not ask for more modules than
//! fit in memory: every depth and width has a bound, far above those of any published network.

use std::ops::RangeInclusive;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Why a network's `config.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not JSON, or a field is missing or of the wrong type.
    #[error(
        "the {network} config is not readable ({reason}); get the file again from where the model came from"
    )]
    Malformed {
        /// Which network it is for.
        network: &'static str,
        /// What the parser said.
        reason: String,
    },
    /// A value that the published Stable Diffusion 1.5 networks never have.
    #[error(
        "the {network} config has {field} = {found}, which is not supported; it must be {wanted}"
    )]
    Unsupported {
        /// Which network it is for.
        network: &'static str,
        /// The field's published name.
        field: &'static str,
        /// The value found.
        found: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// A size that no network has.
    #[error(
        "the {network} config has {field} = {found}, which is not possible; it must be from {least} to {most}"
    )]
    OutOfRange {
        /// Which network it is for.
        network: &'static str,
        /// The field's published name.
        field: &'static str,
        /// The value found.
        found: usize,
        /// The smallest that is possible.
        least: usize,
        /// The largest that is taken.
        most: usize,
    },
    /// A network of another model family.
    #[error("this is {family}; FRESCO needs the SD 1.5 family, choose another model")]
    WrongFamily {
        /// The family, with its article.
        family: &'static str,
    },
}

/// Layers, levels or blocks that follow each other.
pub(super) const DEPTH: RangeInclusive<usize> = 1..=64;

/// Channels of a layer.
pub(super) const WIDTH: RangeInclusive<usize> = 1..=1 << 14;

/// Refuses a size outside `range`.
pub(super) fn within(
    network: &'static str,
    field: &'static str,
    found: usize,
    range: RangeInclusive<usize>,
) -> Result<(), ConfigError> {
    if range.contains(&found) {
        return Ok(());
    }
    let (least, most) = range.into_inner();
    Err(ConfigError::OutOfRange {
        network,
        field,
        found,
        least,
        most,
    })
}

/// Refuses what cannot be added to a variance, of which the root is then taken.
pub(super) fn small_and_positive(
    network: &'static str,
    field: &'static str,
    found: f64,
) -> Result<(), ConfigError> {
    if found > 0.0 && found < 1.0 {
        return Ok(());
    }
    Err(ConfigError::Unsupported {
        network,
        field,
        found: found.to_string(),
        wanted: "between 0 and 1",
    })
}

/// Reads a config after `refuse` has looked at the raw values.
pub(super) fn parse<T: DeserializeOwned>(
    network: &'static str,
    json: &[u8],
    refuse: impl Fn(&Value) -> Result<(), ConfigError>,
) -> Result<T, ConfigError> {
    let malformed = |error: serde_json::Error| ConfigError::Malformed {
        network,
        reason: error.to_string(),
    };
    let value: Value = serde_json::from_slice(json).map_err(malformed)?;
    refuse(&value)?;
    serde_json::from_value(value).map_err(malformed)
}

/// Refuses `field` unless it is absent, null or `wanted`.
pub(super) fn require(
    network: &'static str,
    config: &Value,
    field: &'static str,
    wanted: &'static str,
) -> Result<(), ConfigError> {
    let found = &config[field];
    let text = found
        .as_str()
        .map_or_else(|| found.to_string(), ToOwned::to_owned);
    if found.is_null() || text == wanted {
        Ok(())
    } else {
        Err(ConfigError::Unsupported {
            network,
            field,
            found: text,
            wanted,
        })
    }
}
