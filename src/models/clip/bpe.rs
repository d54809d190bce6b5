//! Byte-pair encoding: a word's bytes, merged pair by pair into the tokens of a vocabulary.
//!
//! Every byte is a symbol of the alphabet, so no word is unknown. The last symbol of a word carries the suffix `</w>`.
//!
//! # Source
//! Sennrich et al., "Neural machine translation of rare words with subword units"; the byte alphabet is GPT-2's.

use std::collections::HashMap;

/// What a token's name ends with if the token ends a word.
pub(super) const END_OF_WORD: &str = "</w>";

/// Why a vocabulary and a merge list do not form an encoder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BpeError {
    /// A token that must have an id has none.
    MissingToken(String),
    /// A line of the merge list, counted from 1, is not two symbols and a space between them.
    MalformedMerge(usize),
    /// A line of the merge list, counted from 1, names or makes a token without an id.
    UnknownMerge(usize, String),
}

/// A vocabulary reduced to what encoding needs: the ids of single bytes, and which pairs of ids merge into which.
#[derive(Clone, Debug)]
pub(super) struct Bpe {
    inside: [u32; 256],
    last: [u32; 256],
    merges: HashMap<(u32, u32), Merge>,
}

#[derive(Clone, Copy, Debug)]
struct Merge {
    rank: usize,
    id: u32,
}

impl Bpe {
    /// Builds the encoder from token ids and the text of a merge list.
    pub(super) fn new(ids: &HashMap<String, u32>, merges: &str) -> Result<Self, BpeError> {
        let id_of = |token: &str| ids.get(token).copied();
        let mut inside = [0; 256];
        let mut last = [0; 256];
        for byte in 0..=u8::MAX {
            for (table, suffix) in [(&mut inside, ""), (&mut last, END_OF_WORD)] {
                let token = format!("{}{suffix}", symbol(byte));
                table[usize::from(byte)] = id_of(&token).ok_or(BpeError::MissingToken(token))?;
            }
        }
        Ok(Self {
            inside,
            last,
            merges: parse_merges(merges, id_of)?,
        })
    }

    /// Appends the ids of one word, given without its suffix.
    pub(super) fn encode_word(&self, word: &str, out: &mut Vec<u32>) {
        let Some((last, inside)) = word.as_bytes().split_last() else {
            return;
        };
        let mut ids: Vec<u32> = inside
            .iter()
            .map(|b| self.inside[usize::from(*b)])
            .collect();
        ids.push(self.last[usize::from(*last)]);
        self.merge(&mut ids);
        out.append(&mut ids);
    }

    /// Applies the merge of lowest rank, leftmost first, until none applies.
    ///
    /// The merges of neighbouring pairs are kept beside the ids, so that each is looked up once and not in every round.
    fn merge(&self, ids: &mut Vec<u32>) {
        let lookup = |a: u32, b: u32| self.merges.get(&(a, b)).copied();
        let mut pairs: Vec<Option<Merge>> = ids.windows(2).map(|p| lookup(p[0], p[1])).collect();
        loop {
            let candidates = pairs
                .iter()
                .enumerate()
                .filter_map(|(at, pair)| Some((at, (*pair)?)));
            let Some((at, merge)) = candidates.min_by_key(|(at, merge)| (merge.rank, *at)) else {
                return;
            };
            ids[at] = merge.id;
            ids.remove(at + 1);
            pairs.remove(at);
            if at > 0 {
                pairs[at - 1] = lookup(ids[at - 1], ids[at]);
            }
            if at < pairs.len() {
                pairs[at] = lookup(ids[at], ids[at + 1]);
            }
        }
    }
}

/// Reads lines of two symbols each; the rank of a merge is its position.
fn parse_merges(
    text: &str,
    id_of: impl Fn(&str) -> Option<u32>,
) -> Result<HashMap<(u32, u32), Merge>, BpeError> {
    let mut merges = HashMap::new();
    for (index, line) in text.lines().enumerate() {
        // Only the first line may be a header: a later one with `#` merges number signs.
        if line.trim().is_empty() || (index == 0 && line.starts_with("#version")) {
            continue;
        }
        let mut symbols = line.split_ascii_whitespace();
        let (Some(a), Some(b), None) = (symbols.next(), symbols.next(), symbols.next()) else {
            return Err(BpeError::MalformedMerge(index + 1));
        };
        let id = |token: String| id_of(&token).ok_or(BpeError::UnknownMerge(index + 1, token));
        let pair = (id(a.to_owned())?, id(b.to_owned())?);
        let merge = Merge {
            rank: index,
            id: id(format!("{a}{b}"))?,
        };
        merges.entry(pair).or_insert(merge);
    }
    Ok(merges)
}

/// The printable character that stands for a byte in token names.
///
/// Bytes that print in Latin-1 stand for themselves; the others take the characters from U+0100 on, in order.
pub(super) fn symbol(byte: u8) -> char {
    let prints = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if prints(byte) {
        return char::from(byte);
    }
    let n_before = (0..byte).filter(|b| !prints(*b)).count() as u32;
    char::from_u32(0x100 + n_before).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Ids of all single bytes, inside a word from 0 and at its end from 256.
    pub(in super::super) fn alphabet() -> HashMap<String, u32> {
        let bytes = (0..=u8::MAX).map(|b| (symbol(b).to_string(), u32::from(b)));
        let ends = (0..=u8::MAX).map(|b| (format!("{}</w>", symbol(b)), 256 + u32::from(b)));
        bytes.chain(ends).collect()
    }

    fn with_tokens(tokens: &[&str]) -> HashMap<String, u32> {
        let mut ids = alphabet();
        ids.extend(
            (512..)
                .zip(tokens)
                .map(|(id, token)| ((*token).to_owned(), id)),
        );
        ids
    }

    fn encode(bpe: &Bpe, word: &str) -> Vec<u32> {
        let mut out = Vec::new();
        bpe.encode_word(word, &mut out);
        out
    }

    #[test]
    fn bytes_have_distinct_printable_symbols() {
        assert_eq!(alphabet().len(), 512);
        assert_eq!(
            (symbol(b'a'), symbol(0), symbol(b' '), symbol(0xAD)),
            ('a', 'Ā', 'Ġ', 'Ń')
        );
    }

    #[test]
    fn merges_go_by_rank_and_then_from_the_left() {
        let ids = with_tokens(&["aa", "aab", "b</w>x", "aab</w>"]);
        let bpe = Bpe::new(&ids, "#version: 0.2\na a\naa b\naa b</w>\n").unwrap();
        assert_eq!(encode(&bpe, "aab"), [515]);
        assert_eq!(
            encode(&bpe, "aaab"),
            [512, u32::from(b'a'), 256 + u32::from(b'b')]
        );
        assert_eq!(encode(&bpe, "aaba"), [513, 256 + u32::from(b'a')]);
        assert_eq!(encode(&bpe, ""), [0_u32; 0]);
    }

    #[test]
    fn a_first_line_of_number_signs_is_a_merge() {
        let bpe = Bpe::new(&with_tokens(&["##"]), "# #\n").unwrap();
        assert_eq!(encode(&bpe, "##x")[0], 512);
    }

    #[test]
    fn bad_lists_are_told_by_line() {
        let ids = with_tokens(&["ab"]);
        let error = |merges| Bpe::new(&ids, merges).unwrap_err();
        assert_eq!(error("a b\n\na\n"), BpeError::MalformedMerge(3));
        assert_eq!(error("a b\na b c\n"), BpeError::MalformedMerge(2));
        assert_eq!(error("a c\n"), BpeError::UnknownMerge(1, "ac".into()));
        let mut holed = alphabet();
        holed.remove("q</w>");
        assert_eq!(
            Bpe::new(&holed, "").unwrap_err(),
            BpeError::MissingToken("q</w>".into())
        );
    }
}
