//! What the operator chooses while the node runs.

use super::Operator;
use crate::consent::Choices;
use crate::ground::changes::Change;
use crate::ground::config::Strangers;
use crate::misuse::Misuse;
use crate::other_copy;
use crate::store::{Store, StoreFault};

impl Operator {
    /// Tries again to get the certificate by ACME without waiting for its time, as far as the directory's limits allow.
    ///
    /// # Errors
    ///
    /// None is got that way.
    pub fn try_issuance(&self) -> Result<(), Misuse> {
        if self.own.try_issuance() {
            return Ok(());
        }
        Err(Misuse::Unfit(
            "this provider gets no certificate by ACME; [acme] in its configuration has it do so".into(),
        ))
    }

    /// Chooses how strangers become peers; kept until the configuration file says otherwise.
    pub async fn set_strangers(&self, strangers: Strangers) -> Result<(), Misuse> {
        let configured = word(self.ground.config.peers.strangers);
        self.store
            .write(move |tx| {
                tx.set_setting("strangers", word(strangers))?;
                tx.set_setting("strangers.configured", configured)
            })
            .await?;
        self.consent.choose(|choices| choices.strangers = strangers);
        Ok(())
    }

    /// Has this copy of the data folder go on, where another runs. The other signs nothing until its operator says the same there.
    pub async fn go_on_here(&self) -> Result<(), Misuse> {
        if self.ground.copies.check().is_ok() {
            return Err(Misuse::Unfit("no other copy of this provider's data folder is known to run".into()));
        }
        self.store.write(other_copy::go_on).await?;
        self.delivery.doubt_all();
        self.ground.copies.set(None);
        tracing::warn!("the operator has this copy of the data folder go on");
        self.peers.signs.network_changed();
        self.ground.changes.announce(Change::Settings);
        Ok(())
    }

    /// Chooses whether requesters learn that they were declined.
    pub async fn set_tells_declined(&self, on: bool) -> Result<(), Misuse> {
        self.store.write(move |tx| tx.set_setting("tell-declined", if on { "yes" } else { "no" })).await?;
        self.consent.choose(|choices| choices.tell_declined = on);
        Ok(())
    }
}

/// What the operator has chosen; how strangers are treated goes by the configuration where that has changed since.
pub(crate) async fn load_choices(store: &Store, configured: Strangers) -> Result<Choices, StoreFault> {
    store
        .read(move |view| {
            let chosen = view.setting("strangers")?;
            let stands = view.setting("strangers.configured")?.as_deref() == Some(word(configured));
            let chosen = [Strangers::Ask, Strangers::Open, Strangers::Listed]
                .into_iter()
                .find(|strangers| stands && chosen.as_deref() == Some(word(*strangers)));
            let tell_declined = view.setting("tell-declined")?.as_deref() == Some("yes");
            Ok(Choices { strangers: chosen.unwrap_or(configured), tell_declined })
        })
        .await
}

fn word(strangers: Strangers) -> &'static str {
    match strangers {
        Strangers::Ask => "ask",
        Strangers::Open => "open",
        Strangers::Listed => "listed",
    }
}
