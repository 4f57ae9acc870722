//! What a peer says, as a person reads it.

use drawbridge_mtp::seen::is_unseen;
use drawbridge_mtp::time::Timestamp;

/// Characters of a sentence that are kept.
const SENTENCE: usize = 400;

/// `text` cut to what a person reads, on one line, with what would not be seen, or would change the order of what is,
/// made visible: a peer can write anything into its reasons.
pub(crate) fn readable(text: &str) -> String {
    let mut told = String::with_capacity(text.len().min(SENTENCE));
    let mut characters = text.chars();
    for character in characters.by_ref().take(SENTENCE) {
        match character {
            '\t' | '\n' | '\r' => told.push(' '),
            unseen if unseen.is_control() || is_unseen(unseen) => {
                told.push_str(&format!("<U+{:04X}>", u32::from(unseen)));
            }
            seen => told.push(seen),
        }
    }
    if characters.next().is_some() {
        told.push('…');
    }
    told
}

/// A moment as a person reads it in a sentence, in UTC: nobody needs the part of a second.
pub(crate) fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    let told =
        text.split_once('T').and_then(|(day, hour)| Some(format!("{day} {} UTC", hour.split_once('.')?.0)));
    told.unwrap_or(text)
}

/// The same with a capital at its beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_without_what_only_a_program_needs() {
        assert_eq!(moment(Timestamp::from_millis(1_800_000_000_123)), "2027-01-15 08:00:00 UTC");
    }

    #[test]
    fn it_is_cut_to_what_a_person_reads() {
        assert_eq!(readable("it is closed"), "it is closed");
        let long = readable(&"é".repeat(1 << 20));
        assert_eq!(long.chars().count(), SENTENCE + 1);
        assert!(long.ends_with('…'));
        assert_eq!(readable(&"x".repeat(SENTENCE)), "x".repeat(SENTENCE));
    }

    #[test]
    fn what_is_not_seen_is_made_visible() {
        assert_eq!(readable("a\u{202e}b\u{0}c\u{200d}d"), "a<U+202E>b<U+0000>c<U+200D>d");
        assert_eq!(readable("one\r\ntwo\tthree"), "one  two three");
        assert_eq!(readable("日本語 ü 🙂"), "日本語 ü 🙂");
    }
}
