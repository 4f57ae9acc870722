//! What to do about a step that failed. The texts are the pages', so that both say the same.

const TEXTS: &str = include_str!("../../../ui/src/text/en/trouble.ts");

/// What to do about a trouble with `code` at `stage`; where no text is for the code, that for the stage. What is wrong with
/// ourselves (`is_own`) has texts of its own.
pub(crate) fn remedy(code: &str, stage: &str, is_own: bool) -> Option<String> {
    let own = || if is_own { text("own", code) } else { None };
    own().or_else(|| text("code", code)).or_else(|| text("stage", stage))
}

/// The text of `key` in an object of the pages' `remedy`. The formatter writes each key at the beginning of a line, with or
/// without quotes, and each text in double quotes, as JSON has it.
fn text(object: &str, key: &str) -> Option<String> {
    let (_, remedies) = TEXTS.split_once("export const remedy = {")?;
    let (_, texts) = remedies.split_once(&format!("\n  {object}: {{"))?;
    let (texts, _) = texts.split_once("\n  }")?;
    let begins = [format!("\n    {key}:"), format!("\n    \"{key}\":")];
    let (_, text) = begins.iter().find_map(|begin| texts.split_once(begin))?;
    serde_json::Deserializer::from_str(text).into_iter().next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_is_what_the_pages_say() {
        assert!(
            remedy("certificate-self-signed", "tls", false)
                .unwrap()
                .starts_with("It has signed its certificate")
        );
        assert!(
            remedy("unreachable", "connect", false).unwrap().starts_with("There is no way to its address")
        );
        assert!(remedy("certificate-expired", "tls", true).unwrap().starts_with("Your certificate"));
        assert_eq!(remedy("unheard-of", "store", false), text("stage", "store"));
        assert_eq!(remedy("unheard-of", "unheard-of", false), None);
    }

    #[test]
    fn each_text_of_the_pages_can_be_read() {
        let (_, remedies) = TEXTS.split_once("export const remedy = {").unwrap();
        let keys: Vec<&str> = remedies
            .lines()
            .filter_map(|line| line.strip_prefix("    ").filter(|line| !line.starts_with([' ', '}'])))
            .filter_map(|line| Some(line.split_once(':')?.0.trim_matches('"')))
            .collect();
        assert!(keys.len() > 60, "{keys:?}");
        for key in keys {
            assert!(remedy(key, key, true).is_some_and(|text| text.ends_with(['.', ';'])), "{key}");
        }
    }
}
