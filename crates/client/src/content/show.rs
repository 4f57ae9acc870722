//! What of a body can be shown to a person: texts; what is not text is named, and kept.

use serde::{Deserialize, Serialize};

use super::{Part, PartKind, Semantics};

/// A body as a person sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The text, where there is one.
    pub text: Option<String>,
    /// Whether it is Markdown.
    pub markdown: bool,
    /// The parts that are not shown; the message keeps them.
    pub unshown: Vec<Unshown>,
}

/// A part that cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unshown {
    /// Its media type.
    pub content_type: String,
    /// How long it is; 0 where that is not known.
    pub bytes: u64,
}

impl Part {
    /// What of it can be shown.
    pub fn show(&self) -> Shown {
        match &self.kind {
            PartKind::Null => Shown::default(),
            PartKind::Single { content_type, content } => show_single(content_type, content),
            PartKind::External(external) => Shown::without(&external.content_type, external.size),
            PartKind::Multi { semantics, parts } => {
                let shown = parts.iter().map(Part::show);
                match semantics {
                    Semantics::ChooseOne => choose(shown),
                    // Of a single unit, strictly, all or nothing is shown; a text whose picture is named as
                    // missing tells more than nothing.
                    Semantics::ProcessAll | Semantics::SingleUnit => join(shown),
                }
            }
        }
    }
}

impl Shown {
    fn without(content_type: &str, bytes: u64) -> Self {
        let unshown = vec![Unshown { content_type: content_type.to_owned(), bytes }];
        Self { text: None, markdown: false, unshown }
    }

    /// How good a choice it is.
    fn rank(&self) -> (bool, bool, bool) {
        (self.text.is_some(), self.unshown.is_empty(), self.markdown)
    }
}

fn show_single(content_type: &str, content: &[u8]) -> Shown {
    let text = || std::str::from_utf8(content).ok().map(str::to_owned);
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let utf8 = parameters.split(';').map(str::trim).all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            let value = value.trim_matches('"');
            value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("us-ascii")
        }
        _ => true,
    });
    let kind = kind.trim();
    let markdown = kind.eq_ignore_ascii_case("text/markdown");
    match text() {
        Some(text) if utf8 && (markdown || kind.eq_ignore_ascii_case("text/plain")) => {
            Shown { text: Some(text), markdown, unshown: Vec::new() }
        }
        _ => Shown::without(content_type, content.len() as u64),
    }
}

/// The best of several; the first of the best, since the sender ordered them.
fn choose(shown: impl Iterator<Item = Shown>) -> Shown {
    let mut best = None::<Shown>;
    for next in shown {
        if best.as_ref().is_none_or(|best| next.rank() > best.rank()) {
            best = Some(next);
        }
    }
    best.unwrap_or_default()
}

/// All of them: the texts one after the other.
fn join(shown: impl Iterator<Item = Shown>) -> Shown {
    let mut whole = Shown::default();
    for Shown { text, markdown, unshown } in shown {
        if let Some(text) = text {
            match &mut whole.text {
                Some(before) => {
                    before.push_str("\n\n");
                    before.push_str(&text);
                }
                None => whole.text = Some(text),
            }
        }
        whole.markdown |= markdown;
        whole.unshown.extend(unshown);
    }
    whole
}
