//! Durations and sizes in words: the one formatter.

use std::time::Duration;

/// A time as exact as it is known, and that it is not exact: `about 3 min`.
#[must_use]
pub fn about(time: Duration) -> String {
    match rounded(time) {
        few if few.starts_with('a') => few,
        number => format!("about {number}"),
    }
}

/// A time as exact as it is known: seconds in tens, then minutes, then hours and minutes in tens.
#[must_use]
pub fn rounded(time: Duration) -> String {
    let secs = time.as_secs_f64();
    let minutes = (secs / 60.0).round() as u64;
    let tens = |value: f64| (value / 10.0).round() as u64 * 10;
    if secs < 10.0 {
        "a few seconds".to_owned()
    } else if secs < 55.0 {
        format!("{} s", tens(secs))
    } else if minutes < 60 {
        format!("{} min", minutes.max(1))
    } else {
        let minutes = tens(secs / 60.0);
        format!("{} h {} min", minutes / 60, minutes % 60)
    }
}

/// A measured time: `0.4 s`, `12 s`, `3 min 5 s`, `1 h 4 min`.
#[must_use]
pub fn took(time: Duration) -> String {
    let secs = time.as_secs_f64();
    let whole = secs.round() as u64;
    match whole {
        _ if secs < 9.95 => format!("{secs:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

/// A time that runs, in whole seconds: `0:07`, `12:05`, `1:04:09`.
#[must_use]
pub fn clock(time: Duration) -> String {
    let secs = time.as_secs();
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{secs:02}")
    } else {
        format!("{minutes}:{secs:02}")
    }
}

/// A size in bytes, decimal as disks are sold: `812 bytes`, `3.4 MB`, `21 GB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let n = n as f64;
    // The next unit begins where this one would be rounded up to 1000.
    let unit = units.into_iter().find(|(_, unit)| n >= unit * 0.9995);
    match unit {
        None => format!("{n} bytes"),
        Some((name, unit)) if n / unit < 9.95 => format!("{:.1} {name}", n / unit),
        Some((name, unit)) => format!("{:.0} {name}", n / unit),
    }
}

/// A count with its noun: `1 keyframe`, `17 keyframes`.
#[must_use]
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 {
        format!("1 {noun}")
    } else {
        format!("{n} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_exact_as_they_are_known() {
        let said: Vec<String> = [3, 44, 54, 55, 200, 3590, 5000]
            .map(|secs| about(Duration::from_secs(secs)))
            .into();
        let wanted = [
            "a few seconds",
            "about 40 s",
            "about 50 s",
            "about 1 min",
            "about 3 min",
            "about 1 h 0 min",
            "about 1 h 20 min",
        ];
        assert_eq!(said, wanted);
    }

    #[test]
    fn measured_times_are_exact() {
        let said =
            [0.44, 9.96, 59.4, 59.6, 185.0, 3840.0].map(|secs| took(Duration::from_secs_f64(secs)));
        let wanted = [
            "0.4 s",
            "10 s",
            "59 s",
            "1 min 0 s",
            "3 min 5 s",
            "1 h 4 min",
        ];
        assert_eq!(said, wanted);
    }

    #[test]
    fn a_clock_shows_what_it_needs() {
        let said = [0, 7, 725, 3849].map(|secs| clock(Duration::from_secs(secs)));
        assert_eq!(said, ["0:00", "0:07", "12:05", "1:04:09"]);
    }

    #[test]
    fn sizes_have_two_digits_or_three() {
        let said = [0, 812, 999, 3_400_000, 999_960, 21_000_000_000, 12_400].map(bytes);
        let wanted = [
            "0 bytes",
            "812 bytes",
            "999 bytes",
            "3.4 MB",
            "1.0 MB",
            "21 GB",
            "12 kB",
        ];
        assert_eq!(said, wanted);
    }
}
