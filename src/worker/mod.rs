//! One named thread owns the engine and every GPU object of it; windows and command lines send it
//! commands. Six more serve beside it: one looks at videos, one at models, one fetches pictures, one
//! reads and writes small files, one counts the words of prompts, one downloads models.
//!
//! Facts queue, samples overwrite: events are few and never lost, progress and previews lie in
//! one-slot mailboxes of which only the newest content counts. Cancel and pause do not queue: they
//! act at the job's next checkpoint.

mod downloads;
mod files;
pub mod handle;
pub mod latest;
mod media;
pub mod message;
mod models;
mod opener;
mod prompts;
mod proxies;
mod report;
mod reporter;
pub mod run;
mod samples;
mod threads;
mod time_left;
mod token;

pub use handle::{SendError, Wake, WorkerHandle, spawn};
pub use latest::Latest;
pub use message::{Command, Event, JobEvent, JobId, JobProgress, Preview, Report};
pub use run::Work;
pub use threads::limit_threads;
