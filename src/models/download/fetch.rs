//! One download: tries until all bytes are there, then compares them with what is known of the file.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

use super::error::{DownloadError, Ended};
use super::hub::Hub;
use super::partial::Partial;
use super::talk::{self, Head, News, Wish};
use super::{CheckedBy, Order, Receipt, Step, Watch, fault};
use crate::files;

/// Longest time from a wish to stop to the stop.
const LOOK: Duration = Duration::from_millis(50);

/// Fetches a file.
///
/// # Errors
/// As [`get`](super::get).
pub fn fetch(order: &Order, hub: &Hub, watch: &mut Watch<'_>) -> Result<Receipt, DownloadError> {
    fetch_if(order, hub, watch, &|_| None)
}

/// [`fetch`], but the file gets its name only if `misfit` has nothing against it.
pub(super) fn fetch_if(
    order: &Order,
    hub: &Hub,
    watch: &mut Watch<'_>,
    misfit: &dyn Fn(&Path) -> Option<String>,
) -> Result<Receipt, DownloadError> {
    if hub.offline {
        return Err(DownloadError::Offline {
            address: order.address.clone(),
            file: order.file.clone(),
            sha256: order.sha256.clone(),
        });
    }
    let mut download = Download {
        order,
        hub,
        partial: Partial::open(&order.file, &order.address)?,
        watch,
    };
    download.check_room(order.bytes)?;
    let mut was_resumed = download.partial.n_bytes() > 0;
    loop {
        download.complete()?;
        match download.check(misfit) {
            // What an earlier try left may have been spoilt since; a whole new download is worth it once.
            Err(DownloadError::WrongHash { .. }) if was_resumed => was_resumed = false,
            other => return other,
        }
    }
}

struct Download<'a, 'w> {
    order: &'a Order,
    hub: &'a Hub,
    partial: Partial,
    watch: &'a mut Watch<'w>,
}

impl Download<'_, '_> {
    /// Tries until all bytes are there.
    fn complete(&mut self) -> Result<(), DownloadError> {
        let patience = &self.hub.patience;
        let mut failures = 0;
        loop {
            let before = self.partial.n_bytes();
            let (reason, pause) = match self.attempt() {
                Ok(()) => return Ok(()),
                Err(Ended::Final(error)) => return Err(error),
                Err(Ended::Again { reason, pause }) => (reason, pause),
            };
            failures = if self.partial.n_bytes() > before {
                1
            } else {
                failures + 1
            };
            if failures > patience.tries {
                return Err(DownloadError::GaveUp {
                    address: self.order.address.clone(),
                    reason,
                    kept: self.partial.n_bytes(),
                });
            }
            let pause = pause.unwrap_or(patience.first_pause * 2_u32.pow((failures - 1).min(8)));
            let pause = pause.min(patience.longest_pause);
            self.wait(pause, reason)?;
        }
    }

    fn wait(&mut self, pause: Duration, reason: String) -> Result<(), DownloadError> {
        self.tell(Step::Waiting { pause, reason })?;
        let until = Instant::now() + pause;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            thread::sleep(left.min(LOOK));
            self.tell_progress()?;
        }
        Ok(())
    }

    fn tell(&mut self, step: Step) -> Result<(), DownloadError> {
        match (self.watch)(step) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(DownloadError::Cancelled),
        }
    }

    fn tell_progress(&mut self) -> Result<(), DownloadError> {
        self.tell(Step::Going {
            done: self.partial.n_bytes(),
            total: self.partial.memo().total,
        })
    }

    /// Asks once, and writes what comes.
    fn attempt(&mut self) -> Result<(), Ended> {
        let wish = Wish {
            address: self.order.address.clone(),
            from: self.partial.n_bytes(),
            validator: self.partial.memo().validator.clone(),
        };
        let news = talk::ask(self.hub, wish).map_err(|error| Ended::Again {
            reason: error.to_string(),
            pause: None,
        })?;
        let mut is_answered = false;
        loop {
            match news.recv_timeout(LOOK) {
                Err(RecvTimeoutError::Timeout) => self.tell_progress()?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Ended::again("the connection's thread ended"));
                }
                Ok(News::Head(head)) => {
                    is_answered = true;
                    if self.begin(&head)? {
                        return Ok(());
                    }
                    self.tell_progress()?;
                }
                Ok(News::Chunk(bytes)) => {
                    self.take(&bytes)?;
                    self.tell_progress()?;
                }
                Ok(News::End(Ok(()))) if is_answered => return self.end(),
                Ok(News::End(Ok(()))) => return Err(Ended::again("the server said nothing")),
                Ok(News::End(Err(ended))) => return Err(ended),
            }
        }
    }

    /// Looks at the beginning of an answer. Says whether everything was there already.
    fn begin(&mut self, head: &Head) -> Result<bool, Ended> {
        let known = self.partial.memo().sha256.clone();
        let is_other = known.is_some() && head.sha256.is_some() && known != head.sha256;
        if is_other && self.partial.n_bytes() > 0 {
            self.partial.restart()?;
            return Err(Ended::again("the hub has a newer file"));
        }
        let done = self.partial.n_bytes();
        let total = self.partial.memo().total;
        match head.status {
            200 => self.partial.restart()?,
            206 if head.starts_at == done && (total.is_none() || total == head.total) => {}
            206 => {
                self.partial.restart()?;
                return Err(Ended::again(
                    "the server sent another part than was asked for",
                ));
            }
            416 if total == Some(done) => return Ok(true),
            416 => {
                self.partial.restart()?;
                return Err(Ended::again("the server has a shorter file"));
            }
            _ => return Err(DownloadError::of_status(head, &self.order.page)),
        }
        let total = head.total.or(head.linked_bytes);
        self.check_claims(head, total)?;
        self.check_room(total)?;
        self.partial.note(head, total)?;
        Ok(false)
    }

    /// Refuses to begin what the disk has no room for, as far as both are known.
    fn check_room(&self, total: Option<u64>) -> Result<(), DownloadError> {
        let Some(needed) = total.map(|total| total.saturating_sub(self.partial.n_bytes())) else {
            return Ok(());
        };
        match files::free_bytes(files::parent(&self.order.file)) {
            Some(free) if free < needed => Err(DownloadError::NoRoom {
                needed,
                free,
                file: self.order.file.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Refuses a file of which the server itself says that it is another one.
    fn check_claims(&self, head: &Head, total: Option<u64>) -> Result<(), Ended> {
        for expected in [self.order.bytes, head.linked_bytes].into_iter().flatten() {
            if let Some(found) = total.filter(|total| *total != expected) {
                return Err(self.wrong_length(expected, found).into());
            }
        }
        if let (Some(expected), Some(found)) = (&self.order.sha256, &head.sha256)
            && !expected.eq_ignore_ascii_case(found)
        {
            return Err(self.wrong_hash(expected, found).into());
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        let now = self.partial.n_bytes() + bytes.len() as u64;
        if let Some(total) = self.partial.memo().total.filter(|total| now > *total) {
            self.partial.restart()?;
            return Err(self.wrong_length(total, now).into());
        }
        self.partial.write(bytes)?;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Ended> {
        let done = self.partial.n_bytes();
        match self.partial.memo().total.or(self.order.bytes) {
            Some(total) if done < total => {
                Err(Ended::again("the server closed the line in the middle"))
            }
            Some(total) if done > total => {
                self.partial.restart()?;
                Err(self.wrong_length(total, done).into())
            }
            _ => Ok(()),
        }
    }

    /// Compares hash, structure and content, and gives the file its name.
    fn check(
        &mut self,
        misfit: &dyn Fn(&Path) -> Option<String>,
    ) -> Result<Receipt, DownloadError> {
        self.tell(Step::Checking)?;
        let watch = &mut *self.watch;
        let sha256 = self.partial.sha256(&mut || watch(Step::Checking))?;
        let expected = match (&self.order.sha256, &self.partial.memo().sha256) {
            (Some(hash), _) => Some((hash.clone(), CheckedBy::Catalogue)),
            (None, Some(hash)) => Some((hash.clone(), CheckedBy::Hub)),
            (None, None) => None,
        };
        if let Some((expected, _)) = &expected
            && !expected.eq_ignore_ascii_case(&sha256)
        {
            self.partial.restart()?;
            return Err(self.wrong_hash(expected, &sha256));
        }
        if let Some(fault) = fault(self.partial.path(), &self.order.file) {
            self.partial.restart()?;
            let file = self.order.file.clone();
            return Err(DownloadError::Damaged { file, fault });
        }
        if let Some(reason) = misfit(self.partial.path()) {
            self.partial.restart()?;
            let file = self.order.file.clone();
            return Err(DownloadError::NotIt { file, reason });
        }
        let receipt = Receipt {
            path: self.order.file.clone(),
            bytes: self.partial.n_bytes(),
            sha256,
            checked_by: expected.map_or(CheckedBy::Nobody, |(_, by)| by),
        };
        self.partial.finish(&receipt)?;
        Ok(receipt)
    }

    fn wrong_length(&self, expected: u64, found: u64) -> DownloadError {
        DownloadError::WrongLength {
            address: self.order.address.clone(),
            expected,
            found,
        }
    }

    fn wrong_hash(&self, expected: &str, found: &str) -> DownloadError {
        DownloadError::WrongHash {
            address: self.order.address.clone(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        }
    }
}
