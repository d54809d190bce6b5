//! Cancel and pause: flags that a job looks at, beside the queue of commands.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::message::JobId;
use crate::pipeline::observer::Cancelled;

/// The wishes concerning one job.
#[derive(Debug, Default)]
pub(super) struct Token {
    wishes: Mutex<Wishes>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Wishes {
    cancel: bool,
    pause: bool,
}

impl Token {
    /// Waits while the job is paused.
    pub fn checkpoint(&self) -> Result<(), Cancelled> {
        let waits = |wishes: &mut Wishes| wishes.pause && !wishes.cancel;
        let wishes = self.changed.wait_while(lock(&self.wishes), waits);
        if wishes.unwrap_or_else(PoisonError::into_inner).cancel {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }

    pub fn cancel(&self) {
        lock(&self.wishes).cancel = true;
        self.changed.notify_all();
    }

    pub fn pause(&self, pause: bool) {
        lock(&self.wishes).pause = pause;
        self.changed.notify_all();
    }

    pub fn is_cancelled(&self) -> bool {
        lock(&self.wishes).cancel
    }
}

/// The tokens of all jobs that wait or run.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<BTreeMap<JobId, Arc<Token>>>);

impl Tokens {
    /// The job's token, made when first asked for.
    pub fn get(&self, job: JobId) -> Arc<Token> {
        Arc::clone(lock(&self.0).entry(job).or_default())
    }

    /// Acts on the job's token, unless the job has ended or was never sent.
    pub fn with(&self, job: JobId, act: impl FnOnce(&Token)) {
        if let Some(token) = lock(&self.0).get(&job) {
            act(token);
        }
    }

    pub fn cancel_all(&self) {
        lock(&self.0).values().for_each(|token| token.cancel());
    }

    pub fn remove(&self, job: JobId) {
        lock(&self.0).remove(&job);
    }
}

/// The data behind these locks is whole between any two statements, so a panic elsewhere does not
/// spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
