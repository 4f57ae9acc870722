//! The operator's and our users' standing decisions on who may reach them.

use drawbridge_mtp::id::UserUri;

use crate::store::{RuleKind, StoreFault, View};

/// The standing decision of `to`, who lives here, on `from`. The most particular one wins: of the user before that of
/// all, on a person before that on a provider.
pub(super) fn standing_decision(
    view: &View<'_>,
    from: &UserUri,
    to: &UserUri,
) -> Result<Option<RuleKind>, StoreFault> {
    for user in [Some(to.name()), None] {
        for source in [from.as_str(), from.provider().as_str()] {
            if let Some(rule) = view.rule(user, source)? {
                return Ok(Some(rule.kind));
            }
        }
    }
    Ok(None)
}
