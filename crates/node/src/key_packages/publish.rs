//! Publishing (`docs/client-api.md`).

use drawbridge_mtp::id::ClientUri;
use drawbridge_mtp::message::{KeyPackageStock, PublishKeyPackages};
use drawbridge_mtp::problem::{Code, Problem};
use drawbridge_mtp::time::Timestamp;

use super::KeyPackages;
use super::MOST;
use super::check::{KeyPackageFault, check, check_last_resort};
use crate::mls;
use crate::refusal::Refusal;
use crate::store::{StoreFault, StoredKeyPackage};

/// What was published, checked.
struct Checked {
    key_packages: Vec<StoredKeyPackage>,
    last_resort: Option<StoredKeyPackage>,
}

impl KeyPackages {
    /// Keeps the KeyPackages of a client of ours; all of them, or none where one is not valid.
    pub(crate) async fn publish(
        &self,
        client: &ClientUri,
        publish: PublishKeyPackages,
    ) -> Result<KeyPackageStock, Refusal> {
        if publish.key_packages.len() as u64 > MOST {
            return Err(too_many());
        }
        let (of, now) = (client.clone(), self.ground.ambient.now());
        // Two signatures for each: too long for a thread that others wait for.
        let checked = tokio::task::spawn_blocking(move || check_all(&of, &publish, now)).await;
        let checked = checked.map_err(|_| Refusal::Store(StoreFault::Closed))??;
        let client = client.clone();
        let (user, name) = (client.user().name().clone(), client.name().clone());
        self.store
            .write(move |tx| {
                tx.drop_key_packages_to_come(&user, &name)?;
                for package in &checked.key_packages {
                    tx.add_key_package(&user, &name, package)?;
                }
                if let Some(package) = &checked.last_resort {
                    tx.set_last_resort(&user, &name, package)?;
                }
                let stock = tx.key_packages_kept(&user, &name, tx.now())?.stock;
                if stock.available > MOST {
                    return Err(too_many());
                }
                tx.announce_stock(&client);
                Ok(stock)
            })
            .await
    }

    /// What a client of ours has left.
    pub(crate) async fn stock(&self, client: &ClientUri) -> Result<KeyPackageStock, StoreFault> {
        let (user, name) = (client.user().name().clone(), client.name().clone());
        let now = self.ground.ambient.now();
        Ok(self.store.read(move |view| view.key_packages_kept(&user, &name, now)).await?.stock)
    }
}

fn too_many() -> Refusal {
    let text = format!("at most {MOST} KeyPackages are kept of one client; publish fewer");
    Problem::new(Code::TooLarge, text).into()
}

fn check_all(client: &ClientUri, publish: &PublishKeyPackages, now: Timestamp) -> Result<Checked, Refusal> {
    let refused = |which: String, fault: KeyPackageFault| {
        Refusal::from(Problem::new(Code::InvalidMls, format!("{which} cannot be taken: {fault}")))
    };
    let key_packages = publish.key_packages.iter().enumerate().map(|(index, bytes)| {
        check(&mls::CRYPTO, bytes.as_slice(), client, now)
            .map_err(|fault| refused(format!("key_packages[{index}]"), fault))
    });
    let last_resort = publish.last_resort.as_ref().map(|bytes| {
        check_last_resort(&mls::CRYPTO, bytes.as_slice(), client, now)
            .map_err(|fault| refused("last_resort".into(), fault))
    });
    Ok(Checked {
        key_packages: key_packages.collect::<Result<_, _>>()?,
        last_resort: last_resort.transpose()?,
    })
}
