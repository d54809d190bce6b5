//! Places in a video as people type and read them: `120`, `+2s`, `1:04`, `00:00:01:04`.

/// A place that was typed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// A frame, counted from 0.
    Frame(usize),
    /// So many frames from here.
    FramesAway(i64),
    /// A time, in seconds from the first frame.
    Time(f64),
    /// So many seconds from here.
    SecondsAway(f64),
}

/// Reads a place: a frame number (`120`), seconds (`2s`, `1.5s`), minutes and seconds (`1:04`, `0:01.5`), hours too
/// (`1:00:04`), or with `+` or `-` in front the same from here. A number with a sign counts frames.
#[must_use]
pub fn parse(text: &str) -> Option<Place> {
    let text = text.trim();
    let (sign, rest) = match text.chars().next()? {
        '+' => (Some(1.0), &text[1..]),
        '-' | '−' => (Some(-1.0), text.trim_start_matches(['-', '−'])),
        _ => (None, text),
    };
    let rest = rest.trim();
    if let Ok(frames) = rest.parse::<u32>() {
        return Some(match sign {
            None => Place::Frame(frames as usize),
            Some(sign) => Place::FramesAway(if sign < 0.0 {
                -i64::from(frames)
            } else {
                i64::from(frames)
            }),
        });
    }
    let seconds = seconds(rest)?;
    Some(match sign {
        None => Place::Time(seconds),
        Some(sign) => Place::SecondsAway(sign * seconds),
    })
}

fn seconds(text: &str) -> Option<f64> {
    if let Some(number) = text.strip_suffix(['s', 'S']) {
        return number_of(number.trim());
    }
    if let Some(number) = text.strip_suffix("min") {
        return Some(number_of(number.trim())? * 60.0);
    }
    let parts: Vec<&str> = text.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    let (last, whole) = parts.split_last()?;
    let mut total = 0.0;
    for part in whole {
        total = total * 60.0 + f64::from(part.trim().parse::<u32>().ok()?);
    }
    Some(total * 60.0 + number_of(last.trim())?)
}

/// A plain decimal number: no sign, no exponent, no `inf`.
fn number_of(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|_| plain)
}

/// A time as `hours:minutes:seconds:frames`, with frames counted at the rate that is given.
#[must_use]
pub fn format(seconds: f64, rate: f64) -> String {
    let rate = if rate.is_finite() && rate > 0.0 {
        rate
    } else {
        1.0
    };
    // Half a thousandth of a frame, so that a time just below a whole second is not its last frame.
    let seconds = seconds.max(0.0) + 0.0005 / rate;
    let whole = seconds.floor();
    let frames = ((seconds - whole) * rate).floor() as u64;
    let whole = whole as u64;
    format!(
        "{:02}:{:02}:{:02}:{frames:02}",
        whole / 3600,
        whole / 60 % 60,
        whole % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        let read = [
            ("120", Place::Frame(120)),
            (" 7 ", Place::Frame(7)),
            ("+2s", Place::SecondsAway(2.0)),
            ("-1.5s", Place::SecondsAway(-1.5)),
            ("−1:00", Place::SecondsAway(-60.0)),
            ("1:04", Place::Time(64.0)),
            ("0:01.5", Place::Time(1.5)),
            ("1:00:04", Place::Time(3604.0)),
            ("2 s", Place::Time(2.0)),
            ("3min", Place::Time(180.0)),
            ("+12", Place::FramesAway(12)),
            ("-12", Place::FramesAway(-12)),
        ];
        for (text, place) in read {
            assert_eq!(parse(text), Some(place), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_places() {
        for text in [
            "", "x", "1:", ":4", "1:2:3:4", "1e3s", "inf s", "++2s", "1.5", "-", "4 000", "ж",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_written() {
        assert_eq!(format(1.134_467, 29.97), "00:00:01:04");
        assert_eq!(format(3723.0, 25.0), "01:02:03:00");
        assert_eq!(format(0.999_999_9, 24.0), "00:00:01:00");
        assert_eq!(format(-1.0, 0.0), "00:00:00:00");
    }
}
