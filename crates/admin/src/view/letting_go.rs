//! What letting go of something means, before it is done.

use drawbridge_mtp::id::GroupUri;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What will be lost, what stays, what keeps it, and what follows. Nothing has changed yet.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Losses {
    /// What will be lost.
    pub lost: Vec<Loss>,
    /// What stays all the same, each in words.
    pub stays: Vec<String>,
    /// What lives and needs it: `forget` is refused while there is any.
    pub holds: Vec<Hold>,
    /// What follows for others and for later, each one sentence.
    pub means: Vec<String>,
    /// Names what is lost and what stays: `forget` is told it, and refuses where that has changed since.
    pub seen: String,
}

/// Something that will be lost.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Loss {
    /// What, in words, with how many there are.
    pub what: String,
    /// Its octets; `null` where they are not known.
    #[ts(type = "number | null")]
    pub octets: Option<u64>,
}

/// Something that lives and needs it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Hold {
    /// What kind; what ends it hangs on that.
    pub code: HoldCode,
    /// One sentence, with what ends it.
    pub text: String,
    /// The group that it is about; `null` where it is about none.
    #[ts(type = "string | null")]
    pub group: Option<GroupUri>,
}

/// Why something cannot be let go of yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum HoldCode {
    /// The peer keeps a group that is followed here.
    OwnsGroup,
    /// The peer's people are in a group that is kept here.
    InGroup,
    /// People here are connected with people there: `end-connections` ends that.
    Connected,
    /// The group's owner answers, and accounts here are in it: they leave it.
    OwnerAnswers,
    /// The group is kept here, and others are in it.
    Ours,
    /// The account is still in the conversation: it leaves it.
    StillIn,
    /// It is leaving, which is not done yet.
    Leaving,
}
