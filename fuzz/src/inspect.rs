#[path = "../../src/models/inspect/fault.rs"]
mod fault;
#[path = "../../src/models/inspect/header.rs"]
mod header;
#[path = "../../src/models/inspect/pickle.rs"]
mod pickle;

pub use fault::Fault;
pub use header::read_header;
pub use pickle::check_pickle;
