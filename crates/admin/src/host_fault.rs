//! Why an installation cannot be opened.

use std::path::PathBuf;

use drawbridge_node::StartFault;

/// An installation cannot be opened. The text is one sentence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostFault {
    /// The node.
    #[error(transparent)]
    Node(#[from] StartFault),
    /// The folder.
    #[error("{path} cannot be used: {reason}")]
    Home {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl HostFault {
    /// Whether the disk is at fault, full as it may be: that can pass, without a change of the configuration.
    pub fn is_of_disk(&self) -> bool {
        matches!(self, Self::Node(fault) if fault.is_of_disk())
    }
}
