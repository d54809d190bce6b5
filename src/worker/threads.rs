//! How many threads compute on the CPU. They are one pool for the whole process: networks, synthesis, flow and thumbnails
//! share it, and the tensor library takes it as it is.

/// Computes with so many threads in place of one for each core. This holds for a whole process, and only if nothing was
/// computed before: later it stays as it is, with a warning in the log.
pub fn limit_threads(n: u32) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n as usize);
    if let Err(error) = pool.build_global() {
        tracing::warn!(%error, "the number of threads stays as it is");
    }
    let n = rayon::current_num_threads();
    tracing::debug!(n, "threads that compute on the CPU");
}
