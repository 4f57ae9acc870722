//! Whether two versions of this program understand each other.

use semver::Version;

/// The version of this program.
pub(crate) const OURS: &str = env!("CARGO_PKG_VERSION");

/// Whether a program of version `theirs` and one of `ours` have the same commands: before 1.0 those of one minor version do, and from
/// then on those of one major version.
pub(crate) fn understand(ours: &str, theirs: &str) -> bool {
    let line = |version: &str| {
        let Version { major, minor, .. } = Version::parse(version).ok()?;
        Some((major, if major == 0 { minor } else { 0 }))
    };
    line(ours).is_some() && line(ours) == line(theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_may_differ_in_their_commands_do_not_understand_each_other() {
        assert!(understand(OURS, OURS));
        for (ours, theirs, expected) in [
            ("0.1.0", "0.1.7", true),
            ("0.1.0", "0.2.0", false),
            ("1.4.0", "1.9.2", true),
            ("1.4.0", "2.0.0", false),
            ("0.9.0", "1.0.0", false),
            ("1.4.0", "1.5.0-rc.1", true),
            ("0.1.0", "new", false),
        ] {
            assert_eq!(understand(ours, theirs), expected, "{ours} {theirs}");
        }
    }
}
