//! Who is in the demo.

/// The providers and their people; the first is what the window shows at first.
pub(super) const CAST: [(&str, &[&str]); 3] =
    [("alpha", &["alice", "anton"]), ("beta", &["bob", "berta"]), ("gamma", &["carol", "chris"])];
