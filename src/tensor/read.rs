//! Values of a tensor on the host, and what can stop them from getting there.
//!
//! A device works behind our back, so what goes wrong on it shows when its results are read. This is the one place
//! where that happens.

use burn::tensor::{FloatDType, Tensor};

/// Why a tensor's values cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A value is infinite or not a number.
    #[error("the network produced values that are not finite")]
    NotFinite,
    /// The device had no memory for something that leads to these values.
    #[error("the device has not enough memory")]
    OutOfMemory,
    /// The device is gone with all that was on it: its driver was reset, or could not go on when memory was full.
    #[error("the device was lost ({0})")]
    Lost(String),
    /// The device failed in another way.
    #[error("the device failed: {0}")]
    Device(String),
}

impl ReadError {
    /// What a device's own words mean. Its errors arrive as text.
    fn of_device(words: &str) -> Self {
        const LOST: &str = "device is poisoned";
        const NO_MEMORY: [&str; 6] = [
            "out of device memory",
            "out-of-memory",
            "out of memory",
            "outofmemory",
            "can't allocate buffer",
            // All that is told of a tensor whose allocation failed on the device's own thread.
            "memory location was never initialized",
        ];
        let folded = words.to_lowercase();
        // What follows is a backtrace.
        let line = |line: &&str| !line.trim().is_empty() && !line.starts_with("Caused by");
        let lines = words.lines().filter(line).map(str::trim);
        // Before the signs of no memory, which may be why: no smaller work goes well on it either.
        if folded.contains(LOST) {
            let reason = lines.skip_while(|line| !line.contains(LOST)).nth(1);
            let reason = reason.unwrap_or("its driver does not say why");
            Self::Lost(reason.trim_start_matches("Unknown: ").to_lowercase())
        } else if NO_MEMORY.iter().any(|sign| folded.contains(sign)) {
            Self::OutOfMemory
        } else {
            let lines: Vec<&str> = lines.take(2).collect();
            Self::Device(lines.join(": "))
        }
    }
}

/// All values of a tensor on the host, in `f32`; waits for the device.
///
/// # Errors
/// [`ReadError`]: a value is infinite or not a number, or the device failed on the way.
pub fn host_values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ReadError> {
    let data = tensor.cast(FloatDType::F32).try_into_data();
    let data = data.map_err(|error| ReadError::of_device(&error.to_string()))?;
    // Some values are fetched only here.
    let values = data.try_to_vec();
    let values: Vec<f32> = values.map_err(|error| ReadError::of_device(&error.to_string()))?;
    if values.iter().all(|v| v.is_finite()) {
        Ok(values)
    } else {
        Err(ReadError::NotFinite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lack_of_memory_is_told_from_other_failures() {
        let full = "An error happened during execution\nCaused by:\n  out of device memory allocating 512 bytes\n";
        assert_eq!(ReadError::of_device(full), ReadError::OutOfMemory);
        let consequence = "An error happened during execution\nCaused by:\n  Several failures at once\nCaused by:\n  \
            couldn't find resource for that handle: Memory location was never initialized";
        assert_eq!(ReadError::of_device(consequence), ReadError::OutOfMemory);
        let lost =
            "An error happened during execution\nCaused by:\n  the device is lost\n   0: somewhere";
        assert_eq!(
            ReadError::of_device(lost),
            ReadError::Device("An error happened during execution: the device is lost".to_owned())
        );
    }

    #[test]
    fn a_lost_device_is_told_from_a_full_one() {
        let poisoned = "Failed to access TensorData storage: failed to materialize bytes: The device is poisoned\n\
            Caused by:\n  Unknown: Out of memory\nBacktrace:\nNo backtrace available";
        let lost = ReadError::of_device(poisoned);
        assert_eq!(lost, ReadError::Lost("out of memory".to_owned()));
        let silent = ReadError::of_device("The device is poisoned");
        assert_eq!(
            silent.to_string(),
            "the device was lost (its driver does not say why)"
        );
    }
}
