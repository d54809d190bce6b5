//! Panics of a device's own threads.

/// Lets panics that tell of full memory go to the log instead of standard error. There is one for each operation that found
/// no memory, hundreds in a batch; the tensor library catches them, and what they lead to shows where values are read. Call
/// it once, before any device is open.
pub fn hush_lack_of_memory() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str().is_some_and(tells_of_full_memory) {
            tracing::debug!("an operation on the device found no memory");
        } else {
            usual(panic);
        }
    }));
}

/// The words of wgpu, which whoever waits for the operation repeats among its own.
fn tells_of_full_memory(words: &str) -> bool {
    words.to_lowercase().contains("wgpu error: out of memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_memory_is_hushed() {
        assert!(tells_of_full_memory("wgpu error: Out of Memory"));
        assert!(tells_of_full_memory(
            "CallError(task panicked on device runner thread: wgpu error: Out of Memory)"
        ));
        assert!(!tells_of_full_memory("wgpu error: Validation Error"));
        assert!(!tells_of_full_memory("index out of bounds"));
    }
}
