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
    /// The device failed in another way.
    #[error("the device failed: {0}")]
    Device(String),
}

impl ReadError {
    /// What a device's own words mean. Its errors arrive as text.
    fn of_device(words: &str) -> Self {
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
        if NO_MEMORY.iter().any(|sign| folded.contains(sign)) {
            Self::OutOfMemory
        } else {
            // What follows is a backtrace.
            let line = |line: &&str| !line.trim().is_empty() && !line.starts_with("Caused by");
            let lines: Vec<&str> = words.lines().filter(line).take(2).map(str::trim).collect();
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
    let values: Vec<f32> = data
        .try_to_vec()
        .map_err(|error| ReadError::Device(error.to_string()))?;
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
}
