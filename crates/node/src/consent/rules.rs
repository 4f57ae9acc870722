//! The operator's and our users' standing decisions on who may reach them.

use drawbridge_mtp::id::{Name, UserUri};

use crate::store::{RuleKind, StoreFault, View};

/// The standing decision of `to`, who lives here, on `from`. The most particular one wins: of the user before that of
/// all, on a person before that on a provider.
pub(super) fn standing_decision(
    view: &View<'_>,
    from: &UserUri,
    to: &UserUri,
) -> Result<Option<RuleKind>, StoreFault> {
    let rules = view.rules()?;
    let of = |user: Option<&Name>, source: &str| {
        rules.iter().find(|rule| rule.user.as_ref() == user && rule.source == source).map(|rule| rule.kind)
    };
    let sources = [from.as_str(), from.provider().as_str()];
    let particular =
        [Some(to.name()), None].into_iter().flat_map(|user| sources.map(|source| (user, source)));
    Ok(particular.into_iter().find_map(|(user, source)| of(user, source)))
}
