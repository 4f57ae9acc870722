//! What is said of an answer.

use crate::view::{SetUpNote, SetUpNoteKind};

impl SetUpNote {
    /// The answer is not taken.
    pub(super) fn wrong(code: &str, text: impl Into<String>) -> Self {
        Self { code: code.into(), kind: SetUpNoteKind::Wrong, text: text.into(), instead: None }
    }

    /// The answer is taken once it is confirmed.
    pub(super) fn confirm(code: &str, text: impl Into<String>) -> Self {
        Self { kind: SetUpNoteKind::Confirm, ..Self::wrong(code, text) }
    }

    /// With what to answer in its place.
    pub(super) fn instead(self, instead: impl ToString) -> Self {
        Self { instead: Some(instead.to_string()), ..self }
    }
}
