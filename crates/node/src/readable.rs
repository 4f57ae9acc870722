//! What a peer says, as a person reads it.

use std::time::Duration;

use drawbridge_mtp::seen::is_unseen;

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

/// How long something has been going on, in the largest unit of which there are two at least.
pub(crate) fn lasting(time: Duration) -> String {
    let (number, unit) = match time.as_secs() {
        seconds @ 0..120 => (seconds, "second"),
        seconds @ 120..7200 => (seconds / 60, "minute"),
        seconds @ 7200..172_800 => (seconds / 3600, "hour"),
        seconds => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// A sentence with a capital at its beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_is_told_in_one_unit() {
        let told = |seconds| lasting(Duration::from_secs(seconds));
        assert_eq!([0, 1, 119].map(told), ["0 seconds", "1 second", "119 seconds"]);
        assert_eq!([120, 7199, 7200].map(told), ["2 minutes", "119 minutes", "2 hours"]);
        assert_eq!([172_799, 172_800].map(told), ["47 hours", "2 days"]);
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
