//! What of a text would be seen: names and reasons are written by others, and are shown to people.

/// Whether a character has neither ink nor width of its own, or changes the order of what is seen: controls of the
/// direction of text, joiners and fillers, separators of lines, and tags.
pub fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Whether a text, which may be empty, would be seen as nothing: it has only spaces, controls, characters that are not
/// seen, and marks on none.
///
/// ```
/// use drawbridge_mtp::seen::shows_nothing;
///
/// assert!(shows_nothing(" \u{200b}\u{202e}"));
/// assert!(!shows_nothing("\u{202e}live"));
/// ```
pub fn shows_nothing(text: &str) -> bool {
    text.chars().all(|character| {
        character.is_whitespace() || character.is_control() || is_unseen(character) || is_mark(character)
    })
}

/// Marks of all scripts and variation selectors, which are seen only together with the character before them.
fn is_mark(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fe20}'..='\u{fe2f}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_ink_shows_nothing() {
        for text in [
            "",
            " ",
            "\u{a0}\u{2003}\t\n",
            "\u{0}\u{85}",
            "\u{200b}\u{2060}",
            "\u{202e}",
            "\u{2066}\u{2069}",
            "\u{3164}",
            "\u{2800}",
            "\u{301}",
            "\u{fe0f}",
            "\u{e0062}\u{e007f}",
        ] {
            assert!(shows_nothing(text), "{text:?}");
        }
    }

    #[test]
    fn what_has_a_letter_or_a_sign_shows_it() {
        for text in ["Tea", ".", "e\u{301}", "❤\u{fe0f}", "می\u{200c}خواهم", "\u{202e}live", "நிலா", "🙂"]
        {
            assert!(!shows_nothing(text), "{text:?}");
        }
    }
}
