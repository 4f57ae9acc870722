//! What a person types for a provider, a user or a group, read before it is used.

use drawbridge_node::typed;

use crate::error::AdminError;
use crate::host::Host;
use crate::request::{NameKind, NameRead, ReadName};

pub(crate) async fn read_name(_: &Host, ask: ReadName) -> Result<NameRead, AdminError> {
    let ReadName { kind, text } = ask;
    let read = match kind {
        NameKind::Provider => typed::provider(&text).map(|name| name.to_string()),
        NameKind::User => typed::user(&text).map(|name| name.to_string()),
        NameKind::Group => typed::group(&text).map(|name| name.to_string()),
    };
    let name = read.map_err(|fault| AdminError::new("not-understood", fault.to_string()))?;
    Ok(NameRead { name })
}
