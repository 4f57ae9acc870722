//! Why a configuration cannot be used.

use std::path::PathBuf;

/// Why a configuration cannot be used. The text is one sentence that names the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigFault {
    /// The file cannot be read.
    #[error("the configuration {path} cannot be read: {fault}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: std::io::Error,
    },
    /// It is not TOML, has an unknown key, or a value of the wrong kind.
    #[error("the configuration {path}{place} is wrong: {reason}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// ` in line N`, where that is known.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// It names no provider, as the file that a package brings.
    #[error(
        "the configuration {path} names no provider; drawbridged setup --config {path} asks for what is missing in it"
    )]
    Unclaimed {
        /// The file.
        path: PathBuf,
    },
    /// Values do not go together.
    #[error("the configuration is wrong: {0}")]
    Unfit(String),
}
