//! More or less weight for words of a prompt: `(word:1.2)`.

use std::ops::Range;

/// Distance of neighbouring weights, in tenths.
const STEP: i32 = 1;
/// Smallest and largest weight, in tenths.
const WEIGHTS: (i32, i32) = (1, 20);

/// More or less weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A tenth more.
    More,
    /// A tenth less.
    Less,
}

/// A text, and what is selected in it, in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The text.
    pub text: String,
    /// The selected characters.
    pub range: Range<usize>,
}

/// Changes the weight of what is selected, or of the word at the cursor; the words stay selected. Words that get the
/// weight 1 lose their brackets. Nothing where there is no word.
#[must_use]
pub fn reweigh(selected: &Selected, change: Change) -> Option<Selected> {
    let letters: Vec<char> = selected.text.chars().collect();
    let words = trimmed(&letters, of_word(&letters, selected.range.clone()));
    if words.is_empty() {
        return None;
    }
    let (outer, weight) = bracketed(&letters, &words).unwrap_or((words.clone(), 10));
    let weight = match change {
        Change::More => weight + STEP,
        Change::Less => weight - STEP,
    };
    let weight = weight.clamp(WEIGHTS.0, WEIGHTS.1);
    let inner: String = letters[words.clone()].iter().collect();
    let (opening, middle) = if weight == 10 {
        (0, inner)
    } else {
        (1, format!("({inner}:{}.{})", weight / 10, weight % 10))
    };
    let before: String = letters[..outer.start].iter().collect();
    let after: String = letters[outer.end..].iter().collect();
    let start = outer.start + opening;
    Some(Selected {
        text: format!("{before}{middle}{after}"),
        range: start..start + words.len(),
    })
}

/// The word at a cursor that selects nothing.
fn of_word(letters: &[char], range: Range<usize>) -> Range<usize> {
    let (start, end) = (range.start.min(letters.len()), range.end.min(letters.len()));
    if start < end {
        return start..end;
    }
    let is_part = |letter: &&char| letter.is_alphanumeric() || matches!(letter, '-' | '\'');
    let before = letters[..start].iter().rev().take_while(is_part).count();
    let after = letters[start..].iter().take_while(is_part).count();
    start - before..start + after
}

/// Without spaces at the ends, and without brackets and weight that were selected with the words.
fn trimmed(letters: &[char], range: Range<usize>) -> Range<usize> {
    let is_space = |letter: &&char| letter.is_whitespace();
    let leading = letters[range.clone()].iter().take_while(is_space).count();
    let start = range.start + leading;
    let trailing = letters[start..range.end]
        .iter()
        .rev()
        .take_while(is_space)
        .count();
    let end = range.end - trailing;
    let has_brackets = letters[start..end].first() == Some(&'(');
    let colon = letters[start..end]
        .iter()
        .rposition(|letter| *letter == ':');
    match colon.filter(|_| has_brackets) {
        Some(colon) if weight_at(letters, start + colon).is_some_and(|(_, after)| after == end) => {
            start + 1..start + colon
        }
        _ => start..end,
    }
}

/// The brackets around words, if there are any with a weight, and that in tenths.
fn bracketed(letters: &[char], words: &Range<usize>) -> Option<(Range<usize>, i32)> {
    let opening = words.start.checked_sub(1)?;
    if letters[opening] != '(' {
        return None;
    }
    let (weight, end) = weight_at(letters, words.end)?;
    Some((opening..end, weight))
}

/// Reads `:1.2)` at a place: the weight in tenths, and where it ends.
fn weight_at(letters: &[char], colon: usize) -> Option<(i32, usize)> {
    if letters.get(colon) != Some(&':') {
        return None;
    }
    let length = letters[colon..].iter().position(|letter| *letter == ')')?;
    let number: String = letters[colon + 1..colon + length].iter().collect();
    let weight: f32 = number.trim().parse().ok()?;
    let tenths = (weight * 10.0).round();
    (0.0..1000.0)
        .contains(&tenths)
        .then_some((tenths as i32, colon + length + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A text whose selection stands between bars.
    fn marked(text: &str) -> Selected {
        let bars: Vec<usize> = text
            .chars()
            .enumerate()
            .filter(|(_, c)| *c == '|')
            .map(|(i, _)| i)
            .collect();
        let (first, last) = (bars[0], bars[bars.len() - 1]);
        let end = if bars.len() > 1 { last - 1 } else { first };
        Selected {
            text: text.replace('|', ""),
            range: first..end,
        }
    }

    fn shown(selected: &Selected) -> String {
        let letters: Vec<char> = selected.text.chars().collect();
        let part = |range: Range<usize>| letters[range].iter().collect::<String>();
        let Range { start, end } = selected.range.clone();
        format!(
            "{}|{}|{}",
            part(0..start),
            part(start..end),
            part(end..letters.len())
        )
    }

    fn changed(text: &str, change: Change) -> String {
        reweigh(&marked(text), change).map_or("nothing".to_owned(), |after| shown(&after))
    }

    #[test]
    fn weights_go_up_and_down_in_tenths() {
        for (before, more, less) in [
            ("a |red| fox", "a (|red|:1.1) fox", "a (|red|:0.9) fox"),
            ("a (|red|:1.1) fox", "a (|red|:1.2) fox", "a |red| fox"),
            ("a |(red:0.9) |fox", "a |red| fox", "a (|red|:0.8) fox"),
            ("a r|ed fox", "a (|red|:1.1) fox", "a (|red|:0.9) fox"),
            ("(|ä ö|:2.0)", "(|ä ö|:2.0)", "(|ä ö|:1.9)"),
            (
                "a (|red|) fox",
                "a ((|red|:1.1)) fox",
                "a ((|red|:0.9)) fox",
            ),
        ] {
            assert_eq!(changed(before, Change::More), more, "{before}");
            assert_eq!(changed(before, Change::Less), less, "{before}");
        }
        assert_eq!(changed("a | |fox", Change::More), "nothing");
        assert_eq!(changed("|", Change::More), "nothing");
    }

    proptest! {
        #[test]
        fn more_and_then_less_is_as_before(text in "[a-c ,]{0,12}", from in 0_usize..14, length in 1_usize..6) {
            let before = Selected { text, range: from..from + length };
            if let Some(more) = reweigh(&before, Change::More) {
                let back = reweigh(&more, Change::Less).unwrap();
                prop_assert_eq!(back.text, before.text);
            }
        }

        #[test]
        fn no_text_and_no_selection_is_too_odd(text in "[a-c(): .1ä]{0,16}", from in 0_usize..20, to in 0_usize..20) {
            let _ = reweigh(&Selected { text, range: from..to }, Change::Less);
        }
    }
}
