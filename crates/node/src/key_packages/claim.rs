//! Handing out KeyPackages of our users' clients, against grants of ours (section 9).

use std::collections::HashMap;

use drawbridge_mtp::grant::UnverifiedGrant;
use drawbridge_mtp::id::{ClientUri, GroupUri, Id, Name, Provider, UserUri};
use drawbridge_mtp::message::{
    ClaimReply, ClaimRequest, ClaimedClient, ClaimedUser, ClientClaim, ConnectionState, UserClaim,
};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::time::Timestamp;
use openmls::prelude::RequiredCapabilitiesExtension;
use openmls::prelude::tls_codec::Deserialize;

use super::KeyPackages;
use super::check::suffices;
use crate::identity::Keys;
use crate::peers::PullingStatus;
use crate::refusal::Refusal;
use crate::store::{Addition, LOW_STOCK, StoreFault, StoredKeyPackage, Tx};

/// What a KeyPackage has to be like.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    suites: Vec<u16>,
    required: RequiredCapabilitiesExtension,
}

impl Wanted {
    pub(super) fn new(suites: Vec<u16>, required: RequiredCapabilitiesExtension) -> Self {
        Self { suites, required }
    }

    /// Reads what `ask` wants.
    pub(crate) fn of(ask: &ClaimRequest) -> Result<Self, Refusal> {
        let required = match &ask.required_capabilities {
            Some(octets) => {
                RequiredCapabilitiesExtension::tls_deserialize_exact(octets.as_slice()).map_err(|_| {
                    Problem::new(Code::Malformed, "required_capabilities is not an MLS RequiredCapabilities")
                })?
            }
            None => RequiredCapabilitiesExtension::default(),
        };
        Ok(Self::new(ask.cipher_suites.clone(), required))
    }

    fn fits(&self, package: &StoredKeyPackage) -> bool {
        self.suites.contains(&package.suite)
            && RequiredCapabilitiesExtension::tls_deserialize_exact(&package.supports)
                .is_ok_and(|supports| suffices(&supports, &self.required))
    }
}

/// What KeyPackages are handed out for.
#[derive(Clone, Copy)]
pub(super) struct For<'a> {
    /// The grant, or what stands for one where a user adds clients of its own.
    pub(super) jti: Id,
    /// The group that they are to be added to.
    pub(super) group: &'a GroupUri,
    /// Whether our copy of the group says who is in it now.
    pub(super) knows_members: bool,
}

impl KeyPackages {
    /// Hands out what `ask` wants of our users, checked to be all ours and of an adder at who asks. One transaction,
    /// also across a crash: what was answered is no longer there.
    pub(crate) async fn claim(&self, ask: ClaimRequest, wanted: Wanted) -> Result<ClaimReply, StoreFault> {
        // Signatures are checked before the one thread that writes is asked.
        let granted = grants(&self.ground.ours, &self.ground.keys, &ask, self.ground.ambient.now());
        let knows_members = self.knows_members(&ask.group);
        self.store
            .write(move |tx| {
                let users = ask.users.iter().map(|user| {
                    let grants = granted.get(user).map(Vec::as_slice).unwrap_or_default();
                    match unused(tx, &ask.adder, user, grants)? {
                        Some(jti) => {
                            hand_out(tx, user, For { jti, group: &ask.group, knows_members }, &wanted, None)
                        }
                        None => Ok(unclaimed(user, UserClaim::NotAuthorized)),
                    }
                });
                Ok(ClaimReply { users: users.collect::<Result<_, _>>()? })
            })
            .await
    }

    /// Whether who is in `group` is known here as well as at its owner, whose log we follow as it grows. Where we are behind, who
    /// seems to be in may be out since, and be added again.
    fn knows_members(&self, group: &GroupUri) -> bool {
        let owner = group.provider();
        *owner == self.ground.ours
            || self.peers.board.pulling(owner).is_some_and(|pulling| {
                matches!(pulling.status, PullingStatus::Asking | PullingStatus::Waiting)
                    && pulling.failures == 0
            })
    }
}

/// A user of whom nothing is got.
pub(super) fn unclaimed(user: &UserUri, status: UserClaim) -> ClaimedUser {
    ClaimedUser { user: user.clone(), status, clients: Vec::new(), grant: None }
}

/// The grants of ours in `ask` that are for its group and adder and live at `now`, by user. Others count for nothing.
fn grants(ours: &Provider, keys: &Keys, ask: &ClaimRequest, now: Timestamp) -> HashMap<UserUri, Vec<Id>> {
    let mut granted: HashMap<UserUri, Vec<Id>> = HashMap::new();
    for jws in &ask.grants {
        let Ok(grant) = UnverifiedGrant::parse(jws) else { continue };
        let claims = grant.unverified_claims();
        let meant = claims.iss == *ours
            && claims.group == ask.group
            && claims.adder == ask.adder
            && ask.users.contains(&claims.sub);
        if !meant {
            continue;
        }
        let Some(key) = keys.get(grant.kid()) else { continue };
        if let Ok(grant) = grant.verify(&key, ask.group.provider(), now) {
            granted.entry(grant.claims().sub.clone()).or_default().push(grant.claims().jti);
        }
    }
    granted
}

/// The first of `grants` that was neither taken back nor used.
fn unused(tx: &Tx<'_>, adder: &UserUri, user: &UserUri, grants: &[Id]) -> Result<Option<Id>, StoreFault> {
    for jti in grants {
        let over = tx
            .request::<Addition>(adder.provider(), false, *jti)?
            .is_some_and(|row| row.about.used || row.state == ConnectionState::Ended);
        let issuer = user.provider();
        if !over && !tx.grant_is_revoked(issuer, *jti)? && !tx.grant_is_spent(issuer, *jti)? {
            return Ok(Some(*jti));
        }
    }
    Ok(None)
}

/// One KeyPackage of each client of `user`, who lives here, but `except` and those that are in the group already; for the same
/// purpose, the same ones every time.
pub(super) fn hand_out(
    tx: &Tx<'_>,
    user: &UserUri,
    purpose: For<'_>,
    wanted: &Wanted,
    except: Option<&Name>,
) -> Result<ClaimedUser, StoreFault> {
    let mut clients = Vec::new();
    let group = if purpose.knows_members { tx.group(purpose.group)? } else { None };
    for row in tx.clients_of(user.name())? {
        let client = ClientUri::new(user, &row.name);
        let is_in = match &group {
            Some(group) => tx.is_client_in(group.id, &client)?,
            None => false,
        };
        if is_in || except == Some(&row.name) {
            continue;
        }
        clients.push(match take(tx, &client, purpose, wanted)? {
            Ok(package) => {
                let key_package = Some(package.package.into());
                ClaimedClient { client, status: ClientClaim::Ok, key_package }
            }
            Err(status) => ClaimedClient { client, status, key_package: None },
        });
    }
    Ok(ClaimedUser { user: user.clone(), status: status_of(&clients), clients, grant: None })
}

/// How many of a user's `clients` gave a KeyPackage.
pub(super) fn status_of(clients: &[ClaimedClient]) -> UserClaim {
    match clients.iter().filter(|client| client.status == ClientClaim::Ok).count() {
        0 => UserClaim::None,
        all if all == clients.len() => UserClaim::Ok,
        _ => UserClaim::Partial,
    }
}

fn take(
    tx: &Tx<'_>,
    client: &ClientUri,
    For { jti, group, .. }: For<'_>,
    wanted: &Wanted,
) -> Result<Result<StoredKeyPackage, ClientClaim>, StoreFault> {
    let (user, name, now) = (client.user().name(), client.name(), tx.now());
    if let Some(package) = tx.handed_out(jti, user, name)?
        && package.holds(now)
    {
        return Ok(if wanted.fits(&package) { Ok(package) } else { Err(ClientClaim::Incompatible) });
    }
    let (found, any) = tx.find_key_package(user, name, false, now, |package| wanted.fits(package))?;
    if let Some(package) = found {
        tx.hand_out(jti, group, user, name, &package, false)?;
        if tx.key_packages_kept(user, name, now)?.stock.available < LOW_STOCK {
            tx.announce_stock(client);
        }
        return Ok(Ok(package));
    }
    let (last, any_last) = tx.find_key_package(user, name, true, now, |package| wanted.fits(package))?;
    let Some(package) = last else {
        return Ok(Err(if any || any_last { ClientClaim::Incompatible } else { ClientClaim::Exhausted }));
    };
    tx.hand_out(jti, group, user, name, &package, true)?;
    tx.announce_stock(client);
    Ok(Ok(package))
}
