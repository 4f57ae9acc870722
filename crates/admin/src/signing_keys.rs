//! The provider's own signing keys: shown, changed, and revoked where one has leaked.

use drawbridge_node::{identity, operator};

use crate::convert::same;
use crate::error::AdminError;
use crate::host::Host;
use crate::request::{Empty, NamedKey};
use crate::view::{
    KeyStanding, KeyStep, KeyStepName, SignedGrant, SignedGroup, SignedWith, SigningKey, SigningKeys,
};

same!(identity::Standing => KeyStanding { Next, Signs, Published, Past, Revoked });
same!(identity::Step => KeyStepName { Publish, Sign, Retire });

impl From<identity::OwnKey> for SigningKey {
    fn from(key: identity::OwnKey) -> Self {
        let identity::OwnKey { kid, standing, since, until, leaves } = key;
        Self { fingerprint: kid.to_string(), standing: standing.into(), since, until, leaves }
    }
}

impl From<operator::OwnKeys> for SigningKeys {
    fn from(keys: operator::OwnKeys) -> Self {
        let operator::OwnKeys { keys, rotate_days, next, waits } = keys;
        let next = next.map(|(at, step)| KeyStep { step: step.into(), at });
        Self { keys: keys.into_iter().map(SigningKey::from).collect(), rotate_days, next, waits }
    }
}

impl From<operator::SignedWith> for SignedWith {
    fn from(signed: operator::SignedWith) -> Self {
        let operator::SignedWith { key, grants, groups, stops } = signed;
        let grants = grants.into_iter().map(|grant| {
            let operator::SignedGrant { id, user, adder, group, signed, ends, used } = grant;
            SignedGrant { id, user, adder, group, signed, ends, used }
        });
        let groups = groups
            .into_iter()
            .map(|operator::SignedGroup { group, participants }| SignedGroup { group, participants });
        Self { key: key.into(), grants: grants.collect(), groups: groups.collect(), stops }
    }
}

pub(crate) async fn keys(host: &Host, Empty {}: Empty) -> Result<SigningKeys, AdminError> {
    Ok(host.node().await?.operator().own_keys().into())
}

pub(crate) async fn rotate_key(host: &Host, Empty {}: Empty) -> Result<SigningKeys, AdminError> {
    let node = host.node().await?;
    node.operator().rotate_key()?;
    Ok(node.operator().own_keys().into())
}

pub(crate) async fn signed_with(host: &Host, ask: NamedKey) -> Result<SignedWith, AdminError> {
    Ok(host.node().await?.operator().signed_with(ask.fingerprint).await?.into())
}

pub(crate) async fn revoke_key(host: &Host, ask: NamedKey) -> Result<SignedWith, AdminError> {
    Ok(host.node().await?.operator().revoke_key(ask.fingerprint).await?.into())
}
