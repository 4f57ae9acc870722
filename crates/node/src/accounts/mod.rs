//! Who lives here: users, their clients, and the clients' tokens.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use drawbridge_mtp::id::{ClientUri, Name};
use sha2::{Digest, Sha256};

use crate::ambient::{Ambient, AmbientExt};
use crate::ground::Ground;
use crate::misuse::{Misuse, require_user};
use crate::store::{Reader, Store, UserRule};

/// Whether a client is new or has lost its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenFor {
    /// It is made.
    NewClient,
    /// It is there; its old token ends.
    OldClient,
}

/// What is kept of a token.
pub(crate) fn hash_token(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// 256 random bits, as text.
fn new_token(ambient: &dyn Ambient) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(ambient.random::<32>())
}

/// A client's use of its token is noted at most so often, in milliseconds.
const SEEN_EVERY: u64 = 60_000;

/// The users of ours, and their clients.
pub(crate) struct Accounts {
    /// Our name, and when and with what randomness tokens are made.
    ground: Arc<Ground>,
    /// Where users, clients and the hashes of their tokens are kept.
    store: Store,
    /// When each client's use of its token was last noted, in milliseconds since 1970.
    seen: Mutex<HashMap<(Name, Name), u64>>,
}

impl Accounts {
    pub(crate) fn new(ground: Arc<Ground>, store: Store) -> Self {
        Self { ground, store, seen: Mutex::default() }
    }

    /// Notes now and then that a client was here; nobody waits for it.
    pub(crate) fn saw(&self, user: &Name, client: &Name) {
        let now = self.ground.ambient.now().as_millis();
        let mut seen = self.seen.lock();
        let last = seen.entry((user.clone(), client.clone())).or_default();
        // In either direction: a clock that was ahead and is set right would have nothing noted for as long as it was ahead.
        if now.abs_diff(*last) >= SEEN_EVERY {
            *last = now;
            let (store, user, client) = (self.store.clone(), user.clone(), client.clone());
            self.ground
                .tasks
                .spawn(async move { store.write(move |tx| tx.saw_client(&user, &client)).await });
        }
    }

    /// Makes an account.
    pub(crate) async fn create_user(&self, name: Name, rule: UserRule) -> Result<(), Misuse> {
        self.store
            .write(move |tx| if tx.add_user(&name, rule)? { Ok(()) } else { Err(Misuse::Taken("user")) })
            .await
    }

    /// Makes a client, or gives one another token; returns the token, which is kept only as a hash.
    pub(crate) async fn issue_token(
        &self,
        user: Name,
        name: Name,
        which: TokenFor,
    ) -> Result<(ClientUri, String), Misuse> {
        let token = new_token(&*self.ground.ambient);
        let hash = hash_token(&token);
        let client = ClientUri::new(&self.ground.user(&user), &name);
        let reader = Reader::Client(client.clone());
        let issued = self.store.write(move |tx| {
            require_user(tx, &user)?;
            match which {
                TokenFor::NewClient if !tx.add_client(&user, &name, &hash)? => Err(Misuse::Taken("client")),
                TokenFor::OldClient if !tx.set_token(&user, &name, &hash)? => {
                    Err(Misuse::NoSuchClient(user, name))
                }
                _ => Ok(tx.open_feed(&reader)?),
            }
        });
        issued.await.map(|()| (client, token))
    }

    /// Removes a client, with its token and its feed.
    pub(crate) async fn delete_client(&self, user: Name, name: Name) -> Result<(), Misuse> {
        let reader = Reader::Client(ClientUri::new(&self.ground.user(&user), &name));
        self.store
            .write(move |tx| {
                if !tx.remove_client(&user, &name)? {
                    return Err(Misuse::NoSuchClient(user, name));
                }
                Ok(tx.drop_feed(&reader)?)
            })
            .await
    }
}
