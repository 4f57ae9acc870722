//! Whether peers run a newer version of this program, as their documents say. Nobody else is asked for that.

use drawbridge_mtp::document::Software;
use semver::Version;

use crate::identity::SOFTWARE;

/// Peers run a newer version of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewerVersion {
    /// The newest of theirs, such as `0.3.0`.
    pub version: String,
    /// How many peers run a newer one than this.
    pub peers: usize,
}

/// What there is newer than `ours` among `theirs`. A version that is made for trying out counts for nothing.
pub(super) fn newer_than(ours: &str, theirs: impl IntoIterator<Item = Software>) -> Option<NewerVersion> {
    let ours = Version::parse(ours).ok()?;
    let versions = theirs.into_iter().filter(|software| software.name == SOFTWARE);
    let versions = versions.filter_map(|software| Version::parse(&software.version?).ok());
    let newer: Vec<_> = versions.filter(|version| version.pre.is_empty() && *version > ours).collect();
    let Version { major, minor, patch, .. } = newer.iter().max()?;
    Some(NewerVersion { version: format!("{major}.{minor}.{patch}"), peers: newer.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newer(theirs: &[(&str, Option<&str>)]) -> Option<(String, usize)> {
        let theirs = theirs
            .iter()
            .map(|(name, version)| Software { name: (*name).into(), version: version.map(Into::into) });
        newer_than("0.9.0", theirs).map(|newer| (newer.version, newer.peers))
    }

    #[test]
    fn the_newest_of_the_same_program_is_told_with_how_many_are_newer() {
        let ours = |version| ("drawbridge", Some(version));
        assert_eq!(newer(&[]), None);
        assert_eq!(newer(&[ours("0.9.0"), ours("0.8.7"), ours("0.9"), ours("")]), None);
        assert_eq!(newer(&[("other", Some("2.0.0")), ("drawbridge", None), ours("1.0.0-beta.1")]), None);
        assert_eq!(newer(&[ours("0.9.1"), ours("0.10.0+debian"), ours("0.1.0")]), Some(("0.10.0".into(), 2)));
    }
}
