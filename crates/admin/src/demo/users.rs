//! The providers of the demo and their users.

/// The providers and their people; the first is what the window shows at first.
pub(super) const USERS: [(&str, &[&str]); 3] =
    [("alpha", &["alice", "anton"]), ("beta", &["bob", "berta"]), ("gamma", &["carol", "chris"])];
