//! Reads what a router writes as XML. Anybody in the network may have written it, so it is read from front to back, without
//! recursion, and no entity is expanded but those of a character.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

/// So deep are elements in each other at most; routers' are about ten deep.
const DEEPEST: usize = 32;

/// It is no XML that a router writes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no XML: {0}")]
pub(super) struct NoXml(String);

/// Tells each element of `text` when it has ended: its name and those of the elements that it is in, the outermost first, without
/// their prefixes, and its own text.
pub(super) fn each_element(text: &str, mut tell: impl FnMut(&[String], &str)) -> Result<(), NoXml> {
    let mut reader = Reader::from_str(text);
    let (mut names, mut texts) = (Vec::<String>::new(), Vec::<String>::new());
    let fault = |fault: &dyn std::fmt::Display| NoXml(fault.to_string());
    loop {
        match reader.read_event().map_err(|error| fault(&error))? {
            Event::Start(start) => {
                begin(&mut names, start.local_name().into_inner())?;
                texts.push(String::new());
            }
            Event::Empty(start) => {
                begin(&mut names, start.local_name().into_inner())?;
                tell(&names, "");
                names.pop();
            }
            Event::End(_) => {
                let own = texts.pop().ok_or_else(|| NoXml("an element ends that has not begun".into()))?;
                tell(&names, own.trim());
                names.pop();
            }
            Event::Text(said) => append(&mut texts, &said.xml10_content()),
            Event::CData(said) => append(&mut texts, &said.xml10_content()),
            Event::GeneralRef(entity) => {
                let character = entity.resolve_char_ref().map_err(|error| fault(&error))?;
                match (character, resolve_xml_entity(&entity)) {
                    (Some(character), _) => append(&mut texts, character.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => append(&mut texts, text),
                    (None, None) => return Err(NoXml("it has an entity of its own".into())),
                }
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof if names.is_empty() => return Ok(()),
            Event::Eof => return Err(NoXml("it ends amid an element".into())),
        }
    }
}

fn begin(names: &mut Vec<String>, name: &str) -> Result<(), NoXml> {
    if names.len() == DEEPEST {
        return Err(NoXml("its elements are too deep in each other".into()));
    }
    names.push(name.to_owned());
    Ok(())
}

fn append(texts: &mut [String], text: &str) {
    if let Some(own) = texts.last_mut() {
        own.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn elements(text: &str) -> Result<Vec<(String, String)>, NoXml> {
        let mut all = Vec::new();
        each_element(text, |names, own| all.push((names.join("/"), own.to_owned())))?;
        Ok(all)
    }

    #[test]
    fn elements_are_told_with_their_names_and_texts() {
        let text = "<?xml version=\"1.0\"?><!-- a --><s:a xmlns:s=\"u\"> <b>1 &amp; &#50;</b><c/><d><![CDATA[<3>]]></d></s:a>";
        let told = elements(text).unwrap();
        let told: Vec<_> = told.iter().map(|(names, own)| (names.as_str(), own.as_str())).collect();
        assert_eq!(told, [("a/b", "1 & 2"), ("a/c", ""), ("a/d", "<3>"), ("a", "")]);
    }

    #[test]
    fn what_is_deep_or_broken_or_expands_is_refused() {
        assert!(elements(&"<a>".repeat(100_000)).is_err());
        assert!(elements(&format!("{}{}", "<a>".repeat(33), "</a>".repeat(33))).is_err());
        assert!(elements("<a><b></a></b>").is_err());
        assert!(elements("<a>").is_err());
        assert!(elements("</a>").is_err());
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>";
        assert!(elements(bomb).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_or_refused(text in "[<>/a-c:&;#! \\[\\]\"'=?x0-9\u{e9}-]{0,200}") {
            if let Ok(all) = elements(&text) {
                let told: usize = all.iter().map(|(_, own)| own.len()).sum();
                prop_assert!(told <= text.len());
            }
        }

        #[test]
        fn octets_that_are_no_text_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = elements(&String::from_utf8_lossy(&octets));
        }
    }
}
