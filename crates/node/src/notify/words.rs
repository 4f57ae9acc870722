//! What is said of what waits and of what is wrong, here and by the desktop.

use crate::store::{RepairKind, RepairRow};

/// Something that waits for the operator, as a notification names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitingItem {
    /// A provider would like to be let in.
    Provider(String),
    /// One user would like to reach another.
    Connection {
        /// Who asks.
        from: String,
        /// Who is asked.
        to: String,
    },
    /// One user would like to add another, of ours, to a group.
    Addition {
        /// Who would like to.
        adder: String,
        /// Who would be added.
        user: String,
        /// What the group is called, where that is known, or else its address.
        group: String,
    },
}

impl WaitingItem {
    /// What waits, in one line without a full stop.
    pub fn title(&self) -> String {
        match self {
            Self::Provider(provider) => format!("{provider} asks to be let in"),
            Self::Connection { from, to } => format!("{from} asks to reach {to}"),
            Self::Addition { adder, user, group } => format!("{adder} would like to add {user} to {group}"),
        }
    }

    /// What is to be done about it, in one sentence.
    pub fn body(&self) -> &'static str {
        match self {
            Self::Provider(_) => "Approve or decline the provider in Approvals.",
            Self::Connection { .. } => "Approve or decline the connection in Approvals.",
            Self::Addition { .. } => "Approve or decline the addition in Approvals.",
        }
    }

    /// The title without any name.
    pub(super) fn nameless(&self) -> &'static str {
        match self {
            Self::Provider(_) => "A provider asks to be let in",
            Self::Connection { .. } => "Somebody asks to reach a user here",
            Self::Addition { .. } => "Somebody would like to add a user here to a group",
        }
    }

    /// A stable code.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Provider(_) => "provider-waits",
            Self::Connection { .. } => "connection-waits",
            Self::Addition { .. } => "addition-waits",
        }
    }
}

/// That more things wait than are told one by one.
pub fn many_wait(count: usize) -> String {
    format!("{count} new things wait for you")
}

/// That more things are wrong than are told one by one.
pub fn many_wrong(count: usize) -> String {
    format!("{count} things are wrong")
}

/// What is wrong in one sentence without any name: the node's own sentence has names in it, and paths, and what others say.
pub(super) fn nameless(row: &RepairRow) -> String {
    let what = match (&row.kind, row.code.as_str()) {
        (RepairKind::Store, "disk-low") => "There is little room on the disk with the data folder",
        (RepairKind::Store, "disk-full") => "The disk is full, so that nothing is kept",
        (RepairKind::Store, _) => "The store cannot be written, so that nothing is kept",
        (RepairKind::Name, "name-private") => "Providers elsewhere cannot reach this one by its name",
        (RepairKind::Name, _) => "Others cannot find this provider by its name",
        (RepairKind::Clock, _) => "This provider's clock is wrong",
        (RepairKind::Copy, _) => "Two copies of this provider run, and neither sends",
        (RepairKind::Network, _) => "No other provider can be reached from this computer",
        (RepairKind::Router, _) => "Others may not reach this provider by the router",
        (RepairKind::AddressHook, _) => "The command for a changed address fails",
        (RepairKind::Certificate, "certificate-ends-soon") => "A certificate of this provider ends soon",
        (RepairKind::Certificate, "certificate-expired") => "A certificate of this provider has ended",
        (RepairKind::Certificate, _) => "Something is wrong with a certificate of this provider",
        (RepairKind::Issuance, _) => "No certificate is got by ACME",
        (RepairKind::Traffic, _) => "What crosses the wire is not kept in the traffic record",
        (RepairKind::Backup, _) => "No backup is made",
        (RepairKind::Notify, _) => "A target of notifications cannot be reached",
        (RepairKind::Log, _) => "The log of a group cannot be believed",
        (RepairKind::KeyPackages, "key-packages-low") => "A client of a user here has few KeyPackages left",
        (RepairKind::KeyPackages, _) => "A client of a user here has no KeyPackages left",
        (RepairKind::Exchange, "key-changed") => "Another provider has changed its key",
        (RepairKind::Exchange, "peer-blocked") => "Another provider has blocked this one",
        (RepairKind::Stranger, _) => {
            "Another provider, on which nobody has decided, comes here and is refused"
        }
        (RepairKind::Exchange | RepairKind::Trouble(_), _) => "Something is wrong with another provider",
    };
    format!("{what} ({}).", row.code)
}
