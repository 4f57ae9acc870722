//! Claiming for a client of ours, here and at other providers, with the grants that we hold (`docs/client-api.md`).

use std::collections::{HashMap, HashSet};

use drawbridge_mtp::id::{ClientUri, GroupUri, Provider, UserUri};
use drawbridge_mtp::message::{
    ClaimReply, ClaimRequest, ClaimedUser, ClientClaimRequest, PeerState, UserClaim,
};
use drawbridge_mtp::policy::EXTENSION_TYPE;
use drawbridge_mtp::problem::Code;
use drawbridge_mtp::wire::{self, Encoding};
use futures_util::future::join_all;
use http::Method;
use openmls::prelude::tls_codec::Serialize;
use openmls::prelude::{ExtensionType, RequiredCapabilitiesExtension};

use super::KeyPackages;
use super::Wanted;
use super::claim::{For, hand_out, status_of, unclaimed};
use crate::peer_fault::{PeerFault, Stage};
use crate::peers::Ask;
use crate::refusal::Refusal;
use crate::store::StoreFault;

impl KeyPackages {
    /// Gets KeyPackages of users whom the user of `client` holds grants of for the group, and of the user's own
    /// other clients, which need none. A provider that cannot be reached gives none.
    pub(crate) async fn claim_for_client(
        &self,
        client: &ClientUri,
        ask: ClientClaimRequest,
    ) -> Result<ClaimReply, Refusal> {
        let adder = client.user();
        let grants = self.held_grants(&ask, adder).await?;
        // Every group has its policy in its context, which its members have to know (section 10).
        let required = RequiredCapabilitiesExtension::new(&[ExtensionType::from(EXTENSION_TYPE)], &[], &[]);
        let mut claims: HashMap<&Provider, ClaimRequest> = HashMap::new();
        for user in &ask.users {
            let Some(grant) = grants.get(user) else { continue };
            let claim = claims.entry(user.provider()).or_insert_with(|| ClaimRequest {
                group: ask.group.clone(),
                adder: adder.clone(),
                users: Vec::new(),
                grants: Vec::new(),
                cipher_suites: ask.cipher_suites.clone(),
                required_capabilities: required.tls_serialize_detached().ok().map(Into::into),
            });
            if !claim.users.contains(user) {
                claim.users.push(user.clone());
                claim.grants.push(grant.clone());
            }
        }
        let inside = self.clients_in(&ask.group).await?;
        let wanted = Wanted::new(ask.cipher_suites, required);
        let own = ask.users.contains(adder);
        let (others, own) = futures_util::join!(
            join_all(claims.into_iter().map(|(provider, ask)| self.claim_at(provider, ask, &wanted))),
            async {
                if own { self.claim_own(client, &ask.group, &wanted).await.map(Some) } else { Ok(None) }
            },
        );
        let mut got: HashMap<UserUri, ClaimedUser> = HashMap::new();
        for reply in others {
            for mut user in reply?.users {
                // The other provider's copy of the group may be behind ours, or it has none.
                let told = user.clients.len();
                user.clients.retain(|client| !inside.contains(&client.client));
                if user.clients.len() < told {
                    user.status = status_of(&user.clients);
                }
                user.grant = grants.get(&user.user).cloned();
                got.insert(user.user.clone(), user);
            }
        }
        got.extend(own?.map(|user| (user.user.clone(), user)));
        let users = ask.users.iter().map(|user| match got.get(user) {
            Some(user) => user.clone(),
            None => unclaimed(user, UserClaim::NotAuthorized),
        });
        Ok(ClaimReply { users: users.collect() })
    }

    /// The clients that are in `group`, as far as is known here.
    async fn clients_in(&self, group: &GroupUri) -> Result<HashSet<ClientUri>, StoreFault> {
        let group = group.clone();
        self.store
            .read(move |view| {
                let Some(row) = view.group(&group)? else { return Ok(HashSet::new()) };
                Ok(view.members(row.id)?.into_iter().map(|row| row.member.client).collect())
            })
            .await
    }

    /// The newest unused grant of each user for the group and the adder.
    async fn held_grants(
        &self,
        ask: &ClientClaimRequest,
        adder: &UserUri,
    ) -> Result<HashMap<UserUri, String>, StoreFault> {
        let (group, adder, now) = (ask.group.clone(), adder.clone(), self.ground.ambient.now());
        let rows = self.store.read(move |view| view.grants_held(&group, &adder, now)).await?;
        let mut grants = HashMap::new();
        for row in rows {
            if let Some(grant) = row.about.grant {
                grants.entry(row.to).or_insert(grant.jws);
            }
        }
        Ok(grants)
    }

    /// Packages of the other clients of a client's user, each asked for once.
    async fn claim_own(
        &self,
        client: &ClientUri,
        group: &GroupUri,
        wanted: &Wanted,
    ) -> Result<ClaimedUser, StoreFault> {
        let (client, group, wanted) = (client.clone(), group.clone(), wanted.clone());
        self.store
            .write(move |tx| {
                let purpose = For { jti: tx.new_id(), group: &group, knows_members: true };
                hand_out(tx, client.user(), purpose, &wanted, Some(client.name()))
            })
            .await
    }

    /// Claims at `provider`, ourselves or another, whose failure is noted and gives none.
    async fn claim_at(
        &self,
        provider: &Provider,
        ask: ClaimRequest,
        wanted: &Wanted,
    ) -> Result<ClaimReply, StoreFault> {
        if *provider == self.ground.ours {
            return self.claim(ask, wanted.clone()).await;
        }
        let peer = provider.clone();
        let state = self.store.read(move |view| view.peer_state(&peer)).await?;
        let (answered, troubles) = match state {
            PeerState::Allowed => self
                .claim_from(provider, &ask)
                .await
                .unwrap_or_else(|fault| (ClaimReply::default(), vec![fault])),
            _ => Default::default(),
        };
        for fault in &troubles {
            self.peers.note_trouble(provider, fault).await;
        }
        // What it says of others than were asked for counts for nothing.
        let mut told: HashMap<UserUri, ClaimedUser> =
            answered.users.into_iter().map(|user| (user.user.clone(), user)).collect();
        let users = ask.users.iter().map(|user| {
            let Some(mut got) = told.remove(user) else { return unclaimed(user, UserClaim::None) };
            got.clients.retain(|client| client.client.user() == user);
            got
        });
        Ok(ClaimReply { users: users.collect() })
    }

    /// Claims at a peer. Where it is too much for one request, it is halved until it passes, or is of one user alone, of
    /// whom nothing is got then; the troubles of those are returned.
    async fn claim_from(
        &self,
        peer: &Provider,
        whole: &ClaimRequest,
    ) -> Result<(ClaimReply, Vec<PeerFault>), PeerFault> {
        let (mut got, mut troubles) = (ClaimReply::default(), Vec::new());
        let mut parts = vec![whole.clone()];
        while let Some(part) = parts.pop() {
            match self.claim_once(peer, &part).await {
                Ok(reply) => got.users.extend(reply.users),
                Err(fault) if fault.is(Code::TooLarge) => {
                    troubles.push(fault);
                    if part.users.len() > 1 {
                        let (first, second) = halve(part);
                        parts.extend([second, first]);
                    }
                }
                // What was got so far is handed out, and would be lost.
                Err(fault) if got.users.is_empty() => return Err(fault),
                Err(fault) => {
                    troubles.push(fault);
                    break;
                }
            }
        }
        Ok((got, troubles))
    }

    async fn claim_once(&self, peer: &Provider, ask: &ClaimRequest) -> Result<ClaimReply, PeerFault> {
        let ask = Ask {
            method: Method::POST,
            content: Some(wire::encode(Encoding::Json, ask)),
            ..Ask::get("/keypackages/claim".into())
        };
        let answer = self.peers.call(peer, ask).await?;
        answer
            .message()
            .map_err(|fault| PeerFault::new(Stage::Content, "malformed", format!("its answer: {fault}")))
    }
}

/// Two claims of half the users each. A claim has one grant for each of its users, in their order.
fn halve(mut claim: ClaimRequest) -> (ClaimRequest, ClaimRequest) {
    let half = claim.users.len() / 2;
    let (users, grants) = (claim.users.split_off(half), claim.grants.split_off(half));
    let second = ClaimRequest { users, grants, ..claim.clone() };
    (claim, second)
}
