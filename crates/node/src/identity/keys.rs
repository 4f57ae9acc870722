//! The keys of a running node: each reads the ring as it is, and a change of it is on disk before anybody sees it.

use std::path::PathBuf;

use drawbridge_mtp::id::Provider;
use drawbridge_mtp::keys::{PublicKey, SecretKey, Thumbprint};
use drawbridge_mtp::signature::Signer;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::key::{KeyFault, write_ring};
use super::ring::KeyRing;

/// Our keys, and who signs with them.
pub(crate) struct Keys {
    ours: Provider,
    /// The data folder.
    dir: PathBuf,
    held: RwLock<(KeyRing, Signer)>,
    /// Held by whoever changes them.
    changing: Mutex<()>,
    /// Told of each change.
    changed: Notify,
}

impl Keys {
    /// The keys of `ours`, which are kept in the data folder `dir`.
    pub(crate) fn new(ours: Provider, dir: PathBuf, ring: KeyRing) -> Self {
        let signer = signer(&ours, &ring);
        Self {
            ours,
            dir,
            held: RwLock::new((ring, signer)),
            changing: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// All of them, as they are now.
    pub(crate) fn ring(&self) -> KeyRing {
        self.held.read().0.clone()
    }

    /// The keys of our document.
    pub(crate) fn published(&self) -> Vec<PublicKey> {
        self.held.read().0.published()
    }

    /// Our key of that name, also one that has left the document; none where it was revoked.
    pub(crate) fn get(&self, kid: &Thumbprint) -> Option<PublicKey> {
        self.held.read().0.get(kid)
    }

    /// The name of the key that signs.
    pub(crate) fn signing(&self) -> Thumbprint {
        *self.held.read().1.key().public().thumbprint()
    }

    /// Who signs now. It is asked for anew for each thing that is signed.
    pub(crate) fn signer(&self) -> Signer {
        self.held.read().1.clone()
    }

    /// Changes them: in the file first, so that no key is used, and none is gone, of which the next start would not know.
    /// Where the file cannot be written, nothing has changed.
    pub(crate) fn change<T, E: From<KeyFault>>(
        &self,
        change: impl FnOnce(&mut KeyRing) -> Result<T, E>,
    ) -> Result<T, E> {
        let _alone = self.changing.lock();
        let mut ring = self.ring();
        let done = change(&mut ring)?;
        write_ring(&self.dir, &ring)?;
        let signer = signer(&self.ours, &ring);
        *self.held.write() = (ring, signer);
        self.changed.notify_waiters();
        Ok(done)
    }

    /// Returns when they have changed since this was called.
    pub(crate) fn changed(&self) -> impl Future<Output = ()> + Send + '_ {
        // Made here and not when it is first polled: from now on, no change is missed.
        self.changed.notified()
    }
}

fn signer(ours: &Provider, ring: &KeyRing) -> Signer {
    Signer::new(ours.clone(), SecretKey::from_seed(*ring.signing().seed()))
}
