//! The weighting grammar of prompts: text with brackets → spans of text with one weight each.
//!
//! The grammar is the one that users of Stable Diffusion know from A1111's web interface:
//!
//! | written | weight of `w` |
//! | --- | --- |
//! | `(w)` | × 1.1 |
//! | `(w:1.3)` | × 1.3 |
//! | `[w]` | ÷ 1.1 |
//! | `\(w\)`, `\[w\]`, `\\` | the characters themselves |
//!
//! Nested factors multiply. A bracket without its partner is text, and so is a number that is none: no prompt is an error.
//! A backslash before anything else is text too, so that `C:\temp` stays whole (A1111 drops it).

use std::ops::Range;

/// What round brackets multiply by, and square ones divide by.
const EMPHASIS: f32 = 1.1;

/// A stretch of a prompt whose tokens have one weight.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedSpan {
    /// The text, without the brackets that gave the weight.
    pub text: String,
    /// Factor of its tokens' hidden states; 1 is neutral.
    pub weight: f32,
}

/// Splits a prompt into spans of one weight each; neighbours differ in weight, and none is empty.
#[must_use]
pub fn parse(prompt: &str) -> Vec<WeightedSpan> {
    let tokens: Vec<Token<'_>> = scan(prompt).into_iter().map(|(_, token)| token).collect();
    let (is_bracket, weights) = match_brackets(&tokens);
    let mut spans: Vec<WeightedSpan> = Vec::new();
    for ((token, is_bracket), weight) in tokens.iter().zip(is_bracket).zip(weights) {
        let text = token.text();
        match spans.last_mut() {
            _ if is_bracket || text.is_empty() => {}
            Some(last) if last.weight.to_bits() == weight.to_bits() => last.text.push_str(text),
            _ => spans.push(WeightedSpan {
                text: text.to_owned(),
                weight,
            }),
        }
    }
    spans
}

/// What is read in another way than its writer may have meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// A bracket that nothing closes.
    Unclosed,
    /// A closing bracket, or a weight with one, that nothing opens.
    Unopened,
    /// What stands in the place of a weight and is no number.
    NoNumber,
    /// A weight in square brackets, which have none.
    SquareWeight,
}

/// Where a prompt slips, in bytes and in order. None of it is an error: all is read as text.
#[must_use]
pub fn slips(prompt: &str) -> Vec<(Range<usize>, Slip)> {
    let (starts, tokens): (Vec<usize>, Vec<Token<'_>>) = scan(prompt).into_iter().unzip();
    let (is_bracket, _) = match_brackets(&tokens);
    let mut slips = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let place = starts[i]..starts[i] + token.text().len();
        match *token {
            Token::Open(..) if !is_bracket[i] => slips.push((place, Slip::Unclosed)),
            Token::Close { .. } if !is_bracket[i] => slips.push((place, Slip::Unopened)),
            Token::Close {
                bracket, source, ..
            } if !source.starts_with(':') => {
                let before = i.checked_sub(1).and_then(|before| tokens.get(before));
                let weight = before.and_then(|before| before.text().strip_prefix(':'));
                let slip = match bracket {
                    Bracket::Round => Slip::NoNumber,
                    Bracket::Square => Slip::SquareWeight,
                };
                // A colon in running text is none of a weight; nor is a word in square brackets.
                let is_meant = weight.is_some_and(|weight| match bracket {
                    Bracket::Round => !weight.trim().contains(char::is_whitespace),
                    Bracket::Square => weight.trim().parse::<f32>().is_ok(),
                });
                if is_meant {
                    slips.push((starts[i - 1]..place.start, slip));
                }
            }
            _ => {}
        }
    }
    slips
}

/// A piece of a prompt, with its source text where that may turn out to be meant literally.
#[derive(Clone, Copy, Debug)]
enum Token<'a> {
    Text(&'a str),
    Open(Bracket, &'a str),
    Close {
        bracket: Bracket,
        factor: f32,
        source: &'a str,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bracket {
    Round,
    Square,
}

impl<'a> Token<'a> {
    fn text(self) -> &'a str {
        match self {
            Self::Text(text) | Self::Open(_, text) | Self::Close { source: text, .. } => text,
        }
    }
}

/// The pieces of a prompt, and the byte at which each begins.
fn scan(prompt: &str) -> Vec<(usize, Token<'_>)> {
    let mut tokens = Vec::new();
    let mut rest = prompt;
    while let Some(first) = rest.chars().next() {
        let (token, n_bytes) = match first {
            '\\' if rest[1..].starts_with(['(', ')', '[', ']', '\\']) => {
                (Token::Text(&rest[1..2]), 2)
            }
            '(' => (Token::Open(Bracket::Round, &rest[..1]), 1),
            '[' => (Token::Open(Bracket::Square, &rest[..1]), 1),
            ')' => (close(Bracket::Round, EMPHASIS, &rest[..1]), 1),
            ']' => (close(Bracket::Square, 1.0 / EMPHASIS, &rest[..1]), 1),
            ':' if let Some((factor, n_bytes)) = explicit_weight(rest) => {
                (close(Bracket::Round, factor, &rest[..n_bytes]), n_bytes)
            }
            _ => {
                let after = first.len_utf8();
                let n_bytes = rest[after..]
                    .find(['\\', '(', ')', '[', ']', ':'])
                    .map_or(rest.len(), |n| after + n);
                (Token::Text(&rest[..n_bytes]), n_bytes)
            }
        };
        tokens.push((prompt.len() - rest.len(), token));
        rest = &rest[n_bytes..];
    }
    tokens
}

fn close(bracket: Bracket, factor: f32, source: &str) -> Token<'_> {
    Token::Close {
        bracket,
        factor,
        source,
    }
}

/// Reads `:1.3)` at the start of a text: the number, and how many bytes all of it takes.
fn explicit_weight(text: &str) -> Option<(f32, usize)> {
    let end = text.find(')')?;
    let number = text[1..end].trim();
    // `parse` also takes infinities, names and exponents, which are words here.
    let is_plain = number
        .bytes()
        .all(|b| matches!(b, b'0'..=b'9' | b'.' | b'+' | b'-'));
    let factor = number
        .parse::<f32>()
        .ok()
        .filter(|f| is_plain && f.is_finite())?;
    Some((factor, end + 1))
}

/// Finds each closing bracket's partner: which tokens are brackets and not text, and the weight of every token.
///
/// Round and square brackets pair up independently, so `([w)]` is both.
fn match_brackets(tokens: &[Token<'_>]) -> (Vec<bool>, Vec<f32>) {
    let mut is_bracket = vec![false; tokens.len()];
    let mut weights = vec![1.0_f32; tokens.len()];
    let (mut round, mut square) = (Vec::new(), Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            Token::Text(_) => {}
            Token::Open(Bracket::Round, _) => round.push(at),
            Token::Open(Bracket::Square, _) => square.push(at),
            Token::Close {
                bracket, factor, ..
            } => {
                let stack = if bracket == Bracket::Round {
                    &mut round
                } else {
                    &mut square
                };
                if let Some(open) = stack.pop() {
                    is_bracket[open] = true;
                    is_bracket[at] = true;
                    for weight in &mut weights[open..at] {
                        *weight = (*weight * factor).clamp(f32::MIN, f32::MAX);
                    }
                }
            }
        }
    }
    (is_bracket, weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans(prompt: &str) -> Vec<(String, f32)> {
        parse(prompt)
            .into_iter()
            .map(|s| (s.text, s.weight))
            .collect()
    }

    fn expect(prompt: &str, want: &[(&str, f32)]) {
        let got = spans(prompt);
        let same = got.len() == want.len()
            && got
                .iter()
                .zip(want)
                .all(|(g, w)| g.0 == w.0 && (g.1 - w.1).abs() < 1e-6 * w.1.abs().max(1.0));
        assert!(same, "{prompt}: {got:?}, expected {want:?}");
    }

    #[test]
    fn brackets_weigh() {
        expect("", &[]);
        expect("a cat", &[("a cat", 1.0)]);
        expect("a (cat)", &[("a ", 1.0), ("cat", 1.1)]);
        expect(
            "a (cat:1.3) here",
            &[("a ", 1.0), ("cat", 1.3), (" here", 1.0)],
        );
        expect("a [cat]", &[("a ", 1.0), ("cat", 1.0 / 1.1)]);
        expect(
            "(a: 0.5 )(b:-.25)(c:+2)(d:0)",
            &[("a", 0.5), ("b", -0.25), ("c", 2.0), ("d", 0.0)],
        );
        expect("()[](:1.2)", &[]);
    }

    #[test]
    fn nested_factors_multiply() {
        expect("((a))", &[("a", 1.21)]);
        expect("(a (b:1.5):2)", &[("a ", 2.0), ("b", 3.0)]);
        expect("([a])", &[("a", 1.0)]);
        expect(
            "(a, [b], c:1.3)",
            &[("a, ", 1.3), ("b", 1.3 / 1.1), (", c", 1.3)],
        );
        expect("([a)b]", &[("a", 1.0), ("b", 1.0 / 1.1)]);
    }

    #[test]
    fn escaped_brackets_are_text() {
        expect(r"\(a\) \[b\] \\ c:\temp", &[(r"(a) [b] \ c:\temp", 1.0)]);
        expect(r"(a\):1.5)", &[("a)", 1.5)]);
        expect(r"\", &[(r"\", 1.0)]);
    }

    #[test]
    fn brackets_without_partner_are_text() {
        expect("(a", &[("(a", 1.0)]);
        expect("a) b]", &[("a) b]", 1.0)]);
        expect("((a)", &[("(", 1.0), ("a", 1.1)]);
        expect("a:1.2)", &[("a:1.2)", 1.0)]);
        expect("[a:1.2]", &[("a:1.2", 1.0 / 1.1)]);
    }

    #[test]
    fn numbers_that_are_none_are_text() {
        expect("(a:b)", &[("a:b", 1.1)]);
        expect("(a:1.2.3)", &[("a:1.2.3", 1.1)]);
        expect("(a:inf)(a:1e3)(a:)", &[("a:infa:1e3a:", 1.1)]);
        expect("(16:9:1.5)", &[("16:9", 1.5)]);
        expect(
            &format!("(a:{})", "9".repeat(60)),
            &[(&format!("a:{}", "9".repeat(60)), 1.1)],
        );
    }

    #[test]
    fn slips_are_found_where_they_are() {
        let found = |prompt: &str| -> Vec<(String, Slip)> {
            let slips = slips(prompt).into_iter();
            slips
                .map(|(place, slip)| (prompt[place].to_owned(), slip))
                .collect()
        };
        for fine in [
            "a (cat:1.3) [dog] ((x))",
            r"\(a: \[b",
            "16:9, c:\\temp",
            "(a note: two words)",
            "",
        ] {
            assert_eq!(found(fine), [], "{fine}");
        }
        for (prompt, place, slip) in [
            ("ä (cat", "(", Slip::Unclosed),
            ("a cat]", "]", Slip::Unopened),
            ("a cat:1.2)", ":1.2)", Slip::Unopened),
            ("a (cat:abc)", ":abc", Slip::NoNumber),
            ("a (cat:1,2)", ":1,2", Slip::NoNumber),
            ("a (cat:)", ":", Slip::NoNumber),
            ("a [cat:1.2]", ":1.2", Slip::SquareWeight),
        ] {
            assert_eq!(found(prompt), [(place.to_owned(), slip)], "{prompt}");
        }
        assert_eq!(found("(a [b").len(), 2);
    }

    proptest! {
        #[test]
        fn slips_lie_in_the_text(prompt in r"[()\[\]\\:.0-9aä ]{0,40}") {
            let slips = slips(&prompt);
            prop_assert!(slips.iter().all(|(place, _)| prompt.get(place.clone()).is_some_and(|text| !text.is_empty())));
        }

        #[test]
        fn any_text_is_a_prompt(prompt in r"[()\[\]\\:.0-9a ]{0,40}") {
            let spans = parse(&prompt);
            prop_assert!(spans.iter().all(|s| s.weight.is_finite() && !s.text.is_empty()));
            prop_assert!(spans.windows(2).all(|p| p[0].weight.to_bits() != p[1].weight.to_bits()));
        }

        #[test]
        fn text_without_brackets_is_itself(prompt in r"[^()\[\]\\]{1,40}") {
            prop_assert_eq!(parse(&prompt), [WeightedSpan { text: prompt, weight: 1.0 }]);
        }

        #[test]
        fn escaping_undoes_the_grammar(text in r"[()\[\]\\:.0-9a-c ]{1,40}") {
            let escaped: String = text.chars().fold(String::new(), |mut out, c| {
                if matches!(c, '(' | ')' | '[' | ']' | '\\') { out.push('\\'); }
                out.push(c);
                out
            });
            prop_assert_eq!(parse(&escaped), [WeightedSpan { text, weight: 1.0 }]);
        }
    }
}
