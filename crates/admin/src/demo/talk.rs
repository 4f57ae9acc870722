//! What the people of a new demo federation do by themselves: they talk, in groups that different providers own.

use std::time::Duration;

use drawbridge_client::{Format, LineKind};
use drawbridge_mtp::id::{GroupUri, Name, UserUri};
use drawbridge_mtp::message::ConnectionState;
use drawbridge_mtp::policy::Who;
use drawbridge_node::Decision;
use drawbridge_node::operator::ReadFault;

use crate::built_in_clients::BuiltIn;
use crate::error::AdminError;
use crate::site::Site;

/// The longest that one of them waits for another.
const WAIT_LIMIT: Duration = Duration::from_secs(30);

/// A person of the demo.
struct DemoUser {
    site: Site,
    client: BuiltIn,
    uri: UserUri,
}

impl DemoUser {
    fn of(site: &Site, name: &str) -> Result<Self, AdminError> {
        let name: Name = name.parse().map_err(|fault| AdminError::internal(&fault))?;
        let uri = UserUri::new(site.node.provider(), &name);
        Ok(Self { client: site.clients.of(&name)?, site: site.clone(), uri })
    }

    /// Is connected with `other`: both ask, which lets their providers know each other too.
    async fn connect(&self, other: &Self) -> Result<(), AdminError> {
        self.site.node.operator().connect(self.uri.name(), other.uri.clone(), None).await?;
        other.site.node.operator().connect(other.uri.name(), self.uri.clone(), None).await?;
        for (one, its) in [(self, &other.uri), (other, &self.uri)] {
            let operator = one.site.node.operator();
            let are_connected = || operator.are_connected(one.uri.clone(), its.clone());
            one.wait_for(|| async { Ok(are_connected().await?.then_some(())) }).await?;
        }
        Ok(())
    }

    /// Adds `other`, who agrees, and returns when that one is in.
    async fn add(&self, other: &Self, group: &GroupUri) -> Result<(), AdminError> {
        let asked = self.client.ask_to_add(group, &other.uri).await?;
        let operator = other.site.node.operator();
        let asked = other.wait_for(|| operator.addition(asked.id, group.clone())).await?.request;
        if asked.state == ConnectionState::Pending {
            operator.decide_authorization(asked.id, None, Decision::Approve).await?;
        }
        other.wait_to_be_in(group).await
    }

    async fn wait_to_be_in(&self, group: &GroupUri) -> Result<(), AdminError> {
        self.wait_for_client(|| async { self.client.about(group).await.is_ok_and(|view| view.can_send) })
            .await
    }

    /// Returns when this one reads `text`, so that what it says to that comes after it.
    async fn wait_to_read(&self, group: &GroupUri, text: &str) -> Result<(), AdminError> {
        self.wait_for_client(|| async {
            let lines = self.client.conversation(group, None, 10).await.unwrap_or_default();
            lines.iter().any(|line| matches!(&line.what, LineKind::Message(message) if message.text == text))
        })
        .await
    }

    /// Looks at this one's client after every change, until it finds what it looks for.
    async fn wait_for_client<F: Future<Output = bool>>(
        &self,
        is_found: impl Fn() -> F,
    ) -> Result<(), AdminError> {
        let mut told = self.site.clients.listen();
        let waiting = async {
            while !is_found().await {
                let _ = tokio::time::timeout(Duration::from_secs(1), told.recv()).await;
            }
        };
        tokio::time::timeout(WAIT_LIMIT, waiting).await.map_err(|_| late())
    }

    async fn say(&self, group: &GroupUri, text: &str) -> Result<(), AdminError> {
        self.client.send(group, text, Format::Markdown, None).await?;
        Ok(())
    }

    /// Looks at this one's provider after every change, until there is what is looked for.
    async fn wait_for<T, F>(&self, look: impl Fn() -> F) -> Result<T, AdminError>
    where
        F: Future<Output = Result<Option<T>, ReadFault>>,
    {
        let mut changes = self.site.node.changes().listen();
        let found = async {
            loop {
                if let Some(found) = look().await? {
                    return Ok(found);
                }
                let _ = changes.recv().await;
            }
        };
        tokio::time::timeout(WAIT_LIMIT, found).await.map_err(|_| late())?
    }
}

fn late() -> AdminError {
    AdminError::new("demo-late", "the people of the demo did not meet in time")
}

/// Lets the people of the three providers talk.
pub(crate) async fn talk(alpha: &Site, beta: &Site, gamma: &Site) -> Result<(), AdminError> {
    let [alice, anton] = [DemoUser::of(alpha, "alice")?, DemoUser::of(alpha, "anton")?];
    let [bob, berta] = [DemoUser::of(beta, "bob")?, DemoUser::of(beta, "berta")?];
    let [carol, chris] = [DemoUser::of(gamma, "carol")?, DemoUser::of(gamma, "chris")?];

    carol.connect(&alice).await?;
    carol.connect(&chris).await?;
    let books = carol.client.create_group("Book club", Who::Members, Who::Members, None).await?;
    carol.add(&alice, &books).await?;
    carol.add(&chris, &books).await?;
    let proposal = "Welcome, both of you! I propose *The Left Hand of Darkness* next.";
    carol.say(&books, proposal).await?;
    chris.wait_to_read(&books, proposal).await?;
    chris.say(&books, "Gladly. I have two copies, if someone needs one.").await?;

    bob.connect(&berta).await?;
    let garden = bob.client.create_group("Garden", Who::Admins, Who::Members, None).await?;
    bob.add(&berta, &garden).await?;
    let question = "The tomatoes are coming. Who waters on Sunday?";
    bob.say(&garden, question).await?;
    berta.wait_to_read(&garden, question).await?;
    berta.say(&garden, "I do.").await?;

    alice.connect(&anton).await
}
