//! What to do about a step that failed, and which part of the operator's guide tells more. The texts are the pages', so that both
//! say the same.

const TEXTS: &str = include_str!("../../../ui/src/text/en/trouble.ts");
const GUIDE: &str = include_str!("../../../ui/src/text/en/guide.ts");

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

/// The heading of the part of `docs/operators.md` that tells more of a trouble with `code`; where no part names the code, of the one
/// for `stage`.
pub(crate) fn guide_part(code: &str, stage: &str) -> Option<&'static str> {
    by_code(code).or_else(|| by_stage(stage))
}

/// The formatter writes each heading at the beginning of a line, before the list of its codes.
fn by_code(code: &str) -> Option<&'static str> {
    let (_, parts) = GUIDE.split_once("export const guideParts")?;
    let (parts, _) = parts.split_once("\n};")?;
    let (before, _) = parts.split_once(&format!("\"{code}\""))?;
    let heading = before.lines().rev().find_map(|line| line.strip_prefix("  ")?.split_once(": ["))?.0;
    Some(heading.trim_matches('"'))
}

fn by_stage(stage: &str) -> Option<&'static str> {
    let (_, stages) = GUIDE.split_once("export const guideStages")?;
    let (_, heading) = stages.split_once(&format!("\n  {stage}: \""))?;
    Some(heading.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATORS: &str = include_str!("../../../docs/operators.md");

    #[test]
    fn each_code_and_each_stage_has_a_part_of_the_guide_that_there_is() {
        assert_eq!(guide_part("tls-version", "connect"), Some("TLS and certificates"));
        assert_eq!(
            guide_part("certificate-self-signed", "tls"),
            Some("Private networks and certificates of one's own")
        );
        assert_eq!(guide_part("unheard-of", "dns"), Some("Names and addresses"));
        assert_eq!(guide_part("unheard-of", "unheard-of"), None);
        for (object, find) in
            [("own", by_code as fn(&str) -> Option<&'static str>), ("code", by_code), ("stage", by_stage)]
        {
            for key in keys(object) {
                let part = find(key).unwrap_or_else(|| panic!("no part tells of {key}"));
                let is_there = OPERATORS.lines().any(|line| line.trim_start_matches('#').trim() == part);
                assert!(is_there, "{part}, of {key}");
            }
        }
    }

    /// What the pages' `remedy` has texts for in one of its objects.
    fn keys(object: &str) -> Vec<&'static str> {
        let (_, remedies) = TEXTS.split_once("export const remedy = {").unwrap();
        let (_, texts) = remedies.split_once(&format!("\n  {object}: {{")).unwrap();
        let (texts, _) = texts.split_once("\n  }").unwrap();
        let lines = texts.lines().filter_map(|line| line.strip_prefix("    "));
        let keys = lines.filter(|line| !line.starts_with([' ', '}', '/', '*']));
        keys.filter_map(|line| Some(line.split_once(':')?.0.trim_matches('"'))).collect()
    }

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
        let keys: Vec<_> = ["code", "own", "stage"].into_iter().flat_map(keys).collect();
        assert!(keys.len() > 60, "{keys:?}");
        for key in keys {
            assert!(remedy(key, key, true).is_some_and(|text| text.ends_with(['.', ';'])), "{key}");
        }
    }
}
