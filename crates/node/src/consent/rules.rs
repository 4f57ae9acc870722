//! The operator's and our users' standing decisions on who may reach them.

use drawbridge_mtp::id::UserUri;

use crate::store::{Rule, StoreFault, View};

/// The standing decision of `to`, who lives here, on `from`. The most particular one wins: of the user before that of
/// all, on a person before that on a provider.
pub(crate) fn standing_rule(
    view: &View<'_>,
    from: &UserUri,
    to: &UserUri,
) -> Result<Option<Rule>, StoreFault> {
    for user in [Some(to.name()), None] {
        for source in [from.as_str(), from.provider().as_str()] {
            if let Some(rule) = view.rule(user, source)? {
                return Ok(Some(rule));
            }
        }
    }
    Ok(None)
}
