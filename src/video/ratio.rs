//! Fractions, as containers write time bases, frame rates and pixel shapes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A positive fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratio {
    /// Numerator.
    pub num: u32,
    /// Denominator.
    pub den: u32,
}

impl Ratio {
    /// One.
    pub const ONE: Self = Self { num: 1, den: 1 };

    /// Reads `num/den` or `num:den`; nothing if either is zero, which stands for *unknown*.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (num, den) = text.split_once(['/', ':'])?;
        let ratio = Self {
            num: num.trim().parse().ok()?,
            den: den.trim().parse().ok()?,
        };
        (ratio.num > 0 && ratio.den > 0).then_some(ratio)
    }

    /// The value as a floating-point number.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// Numerator and denominator exchanged.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self {
            num: self.den,
            den: self.num,
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}
