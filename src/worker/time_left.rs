//! How long a stage will still take, from how long it took so far.

use std::time::{Duration, Instant};

/// Weight of the newest measurement: the estimate follows a change of pace within a few updates and
/// does not jump.
const NEWEST: f64 = 0.2;

/// Smoothed time left of one stage.
#[derive(Debug)]
pub(super) struct TimeLeft {
    since: Instant,
    /// Units done at `since`; unknown before the first update, which reports more than one unit
    /// only for work that was found done.
    done: Option<usize>,
    unit_secs: Option<f64>,
}

impl TimeLeft {
    /// A stage begins.
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            done: None,
            unit_secs: None,
        }
    }

    /// Measures the pace since the last update; `None` until there is one.
    pub fn update(&mut self, now: Instant, done: usize, total: usize) -> Option<Duration> {
        let before = self.done.unwrap_or(if done > 1 { done } else { 0 });
        if done < before {
            // The count began anew, perhaps of something else.
            *self = Self::new(now);
        }
        if done > before {
            self.measure(now, done - before);
        }
        if self.done != Some(done) {
            self.since = now;
            self.done = Some(done);
        }
        let left = self.unit_secs? * total.saturating_sub(done) as f64;
        Duration::try_from_secs_f64(left).ok()
    }

    fn measure(&mut self, now: Instant, units: usize) {
        let measured = now.saturating_duration_since(self.since).as_secs_f64() / units as f64;
        self.unit_secs = Some(match self.unit_secs {
            // Many units at once weigh as many measurements of one.
            Some(smooth) => {
                let keep = (1.0 - NEWEST).powf(units as f64);
                keep * smooth + (1.0 - keep) * measured
            }
            None => measured,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(updates: &[(u64, usize)], total: usize) -> Vec<Option<f64>> {
        let start = Instant::now();
        let mut time_left = TimeLeft::new(start);
        let mut update = |&(secs, done): &(u64, usize)| {
            let left = time_left.update(start + Duration::from_secs(secs), done, total);
            left.map(|left| left.as_secs_f64())
        };
        updates.iter().map(&mut update).collect()
    }

    #[test]
    fn a_steady_pace_gives_the_exact_time() {
        assert_eq!(
            run(&[(0, 0), (2, 1), (4, 2), (10, 5)], 5),
            [None, Some(8.0), Some(6.0), Some(0.0)]
        );
    }

    #[test]
    fn work_found_done_is_not_taken_for_speed() {
        assert_eq!(run(&[(0, 60), (3, 61)], 63), [None, Some(6.0)]);
    }

    #[test]
    fn a_slow_start_is_forgotten() {
        let mut updates = vec![(0, 0), (100, 1)];
        updates.extend((2..=30).map(|done| (98 + done as u64, done)));
        let left = run(&updates, 40);
        assert_eq!(left[1], Some(3900.0));
        let last = left.last().unwrap().unwrap();
        assert!((10.0..20.0).contains(&last), "{last}");
    }

    #[test]
    fn a_repeated_count_changes_nothing_and_time_is_never_negative() {
        let left = run(&[(0, 0), (1, 1), (9, 1), (11, 9)], 4);
        assert_eq!(left, [None, Some(3.0), Some(3.0), Some(0.0)]);
    }

    #[test]
    fn a_count_that_begins_anew_is_measured_anew() {
        assert_eq!(
            run(&[(0, 0), (9, 1), (10, 0), (12, 1)], 4),
            [None, Some(27.0), None, Some(6.0)]
        );
    }
}
