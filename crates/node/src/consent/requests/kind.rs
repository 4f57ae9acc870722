//! What a kind of request has of its own. All else is the same for every kind, and written once in this folder.

use std::time::Duration;

use drawbridge_mtp::id::{Id, Provider, UserUri};
use drawbridge_mtp::keys::Thumbprint;
use drawbridge_mtp::message::{ConnectionState, ItemBody};
use drawbridge_mtp::time::Timestamp;
use drawbridge_mtp::wire::Malformed;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::terms::Terms;
use crate::ground::config::LimitsConfig;
use crate::misuse::Misuse;
use crate::refusal::Refusal;
use crate::store::{DecidedBy, RequestRow, StoreFault, Subject, Tx, View};

/// What is said of a request: in an answer, or in a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Where it stands.
    pub(crate) state: ConnectionState,
    /// The grant, a compact JWS, where it is approved and one was given.
    pub(crate) grant: Option<String>,
}

impl Said {
    /// A state alone.
    pub(crate) fn state(state: ConnectionState) -> Self {
        Self { state, grant: None }
    }

    /// What who asked may know of `row` at `now`. The grant is theirs to use, so nobody else is given it.
    pub(crate) fn to_requester<K: Kind>(row: &RequestRow<K>, now: Timestamp) -> Self {
        Self { state: row.told_state(), grant: row.living_grant(now).map(|grant| grant.jws.clone()) }
    }
}

/// What the rules say of a request that has come to a user of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It waits for a click.
    Ask,
    /// It is approved at once.
    Allow(DecidedBy),
    /// It is kept, and shown to nobody but who asked.
    Unseen,
}

/// The words that texts use of a kind.
pub(crate) struct Words {
    /// Who asks.
    pub(crate) requester: &'static str,
    /// The decision that ends what was approved, and takes back what was asked.
    pub(crate) end: &'static str,
    /// Why a user does not ask itself.
    pub(crate) oneself: &'static str,
    /// Why what is approved is not declined.
    pub(crate) approved: &'static str,
}

/// A kind of request: for a connection (section 7), or to add a user to a group (section 8).
pub(crate) trait Kind: Subject {
    /// What is posted to ask.
    type Ask: DeserializeOwned + Serialize + PartialEq + Send + 'static;
    /// What that is answered with.
    type Reply: DeserializeOwned + Serialize;
    /// What is said of it later, in a feed.
    type Item: Into<ItemBody>;

    /// The resource at which it is asked and taken back.
    const RESOURCE: &'static str;
    /// How long a request of ours may stay open, and does unless told.
    const LONGEST: Duration;
    /// Whether its id becomes that of a grant of ours, so that no two providers may use the same.
    const NAMES_GRANT: bool;
    /// Whether an approval of ours is proved by what its receiver has given for it, so that it stands where the receiver has
    /// lost it.
    const APPROVAL_IS_PROVED: bool;
    /// What texts call it.
    const WORDS: Words;

    /// The id, who asks, and who is asked.
    fn id_and_users(ask: &Self::Ask) -> (Id, &UserUri, &UserUri);

    /// The request that is received at `now` with `ask`, whose times are checked.
    fn received(ours: &Provider, ask: Self::Ask, now: Timestamp) -> Result<RequestRow<Self>, Malformed>;

    /// What is posted, or was, to ask `row`.
    fn ask(row: &RequestRow<Self>) -> Self::Ask;

    /// The answer that says `said` of the request `id`.
    fn reply(id: Id, said: Said) -> Self::Reply;

    /// What an answer says.
    fn read_reply(reply: Self::Reply) -> Said;

    /// The item that says `said` of `row`.
    fn item(row: &RequestRow<Self>, said: Said) -> Self::Item;

    /// The id that an item is about, and what it says.
    fn read_item(item: &Self::Item) -> (Id, Said);

    /// Whether an item is about what `row` is.
    fn is_about(item: &Self::Item, row: &RequestRow<Self>) -> bool;

    /// There is no request `id`.
    fn unknown(id: Id) -> Misuse;

    /// Checks that `from` may ask `to` at all.
    fn check_users(_: &View<'_>, _from: &UserUri, _to: &UserUri) -> Result<(), Misuse> {
        Ok(())
    }

    /// Checks that there is room for `row`, which `peer` has sent and which is new, and that it may be sent. Returns whether
    /// the rules may approve it; `keys` are those of the peer's document.
    fn admit(
        tx: &Tx<'_>,
        terms: &Terms,
        row: &RequestRow<Self>,
        keys: &[Thumbprint],
        limits: &LimitsConfig,
    ) -> Result<bool, Refusal>;

    /// What the rules say of `row`, to a user of ours, which they may approve only where `may_approve`.
    fn verdict(view: &View<'_>, row: &RequestRow<Self>, may_approve: bool) -> Result<Verdict, StoreFault>;

    /// Whether who is asked has asked the same of who asks, so that both want it.
    fn is_mutual(_: &View<'_>, _row: &RequestRow<Self>) -> Result<bool, StoreFault> {
        Ok(false)
    }

    /// Approves `row`, and tells whom it concerns.
    fn approve(
        tx: &Tx<'_>,
        terms: &Terms,
        row: &mut RequestRow<Self>,
        by: DecidedBy,
    ) -> Result<(), StoreFault>;

    /// The other side says that `row`, a request of ours, is approved, with `grant`.
    fn learn_approved(
        tx: &Tx<'_>,
        ours: &Provider,
        row: RequestRow<Self>,
        grant: Option<String>,
    ) -> Result<(), StoreFault>;

    /// Ends `row`, which is not over, and what rests on it, and tells whom it concerns.
    fn end(tx: &Tx<'_>, ours: &Provider, row: &mut RequestRow<Self>, by: DecidedBy)
    -> Result<(), StoreFault>;

    /// Notes what an item of `peer` means besides what it says of a request of ours.
    fn note_item(
        _: &Tx<'_>,
        _ours: &Provider,
        _peer: &Provider,
        _item: &Self::Item,
    ) -> Result<(), StoreFault> {
        Ok(())
    }

    /// Whether the other side may hold another state of `row`, a request of ours, which still matters at `now`.
    fn is_asked_again(row: &RequestRow<Self>, now: Timestamp) -> bool;

    /// The requests that a decision on `row` may change.
    fn decided_with(view: &View<'_>, row: &RequestRow<Self>) -> Result<Vec<RequestRow<Self>>, StoreFault>;
}
