//! A client as its person, or a GUI, has it.

use std::{path::Path, sync::Arc};

use drawbridge_client_api::{
    Home, HomeFault,
    ambient::{Ambient, System},
};
use drawbridge_mtp::{
    id::{ClientUri, GroupUri, Name, UserUri},
    message::{AskToAdd, AskToConnect, Asked, ConnectionState, ShownAuthorizations, ShownConnections, Title},
    policy::{MAX_NAME_BYTES, Policy, Who},
    seen::shows_nothing,
};
use openmls::prelude::SignatureScheme;
use tokio::sync::broadcast;

use crate::{
    content::{Content, MessageId, Part},
    fault::ClientFault,
    group,
    key::StorageKey,
    mls,
    settings::Settings,
    store::{Conversation, PolicyChange, Stage, Store, Tx, View, Want},
    view::{ClientChange, ConversationView, Format, Found, LineView, Standing, StoredConversation},
};

/// The most bytes of a text.
pub const MAX_TEXT_BYTES: usize = 65_536;
/// The most bytes of a reaction.
const MAX_REACTION_BYTES: usize = 64;
/// The most lines that are read at once.
const MOST_LINES: usize = 500;

/// A whole MLS client of one user: its conversations, and what it does in them by itself.
///
/// Cloning it gives another handle to the same. What is asked of it is remembered in its store before a call returns;
/// [`run`](Self::run) does it.
pub struct Client<H> {
    pub(crate) home: Arc<H>,
    pub(crate) store: Arc<Store>,
    pub(crate) settings: Settings,
    pub(crate) ambient: Arc<dyn Ambient>,
}

impl<H> Clone for Client<H> {
    fn clone(&self) -> Self {
        let Self { home, store, settings, ambient } = self;
        let (home, store, ambient) = (Arc::clone(home), Arc::clone(store), Arc::clone(ambient));
        Self { home, store, settings: settings.clone(), ambient }
    }
}

impl<H: Home> Client<H> {
    /// Opens the client's store at `path`, or makes it; everything secret in it is sealed under `key`. Each client has
    /// a file of its own, and a file may be open once.
    ///
    /// # Errors
    ///
    /// Where the file is something else, of another client, or sealed under another key.
    pub async fn open(
        home: H,
        path: &Path,
        key: StorageKey,
        settings: Settings,
    ) -> Result<Self, ClientFault> {
        Self::open_in(home, path, key, settings, Arc::new(System)).await
    }

    /// As [`open`](Self::open), with a clock and randomness of the caller's. Only MLS's own keys and nonces come from
    /// elsewhere: openmls draws them within its crypto provider.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_in(
        home: H,
        path: &Path,
        key: StorageKey,
        settings: Settings,
        ambient: Arc<dyn Ambient>,
    ) -> Result<Self, ClientFault> {
        let (path, own, set) = (path.to_owned(), home.client().clone(), settings.clone());
        let by = Arc::clone(&ambient);
        let store = blocking(move || Store::open(&path, &key, own, set, by)).await?;
        Ok(Self { home: Arc::new(home), store: Arc::new(store), settings, ambient })
    }

    /// Which client it is.
    pub fn uri(&self) -> &ClientUri {
        self.home.client()
    }

    /// Tells of every change from now on. Who lags behind reads everything again.
    pub fn changes(&self) -> broadcast::Receiver<ClientChange> {
        self.store.changes()
    }

    /// The cipher suites that a group may be created with, the default first.
    pub fn cipher_suites() -> Vec<u16> {
        mls::CIPHER_SUITES.into_iter().map(u16::from).collect()
    }

    /// All conversations, also those that are over.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn conversations(&self) -> Result<Vec<ConversationView>, ClientFault> {
        self.read(|view| view.conversations()?.iter().map(|one| one.view(view)).collect()).await
    }

    /// One conversation as the list has it.
    ///
    /// # Errors
    ///
    /// Where there is none, or the store fails.
    pub async fn about(&self, group: &GroupUri) -> Result<ConversationView, ClientFault> {
        let group = group.clone();
        self.read(move |view| view.the_conversation(&group)?.view(view)).await
    }

    /// The last `limit` lines of a conversation before a place, or at its end, in order.
    ///
    /// # Errors
    ///
    /// Where there is no such conversation, or the store fails.
    pub async fn conversation(
        &self,
        group: &GroupUri,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<LineView>, ClientFault> {
        let group = group.clone();
        self.read(move |view| {
            view.the_conversation(&group)?;
            let lines = view.lines(&group, before, limit.min(MOST_LINES))?;
            Ok(lines.into_iter().map(|line| line.view(view.user())).collect())
        })
        .await
    }

    /// The line with the message that `id` names, where it is here.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn message(&self, group: &GroupUri, id: &MessageId) -> Result<Option<LineView>, ClientFault> {
        let (group, id) = (group.clone(), *id);
        self.read(move |view| {
            let Some(place) = view.place_of(&group, &id)? else { return Ok(None) };
            let line = view.lines(&group, Some(place + 1), 1)?.pop();
            Ok(line.filter(|line| line.place == place).map(|line| line.view(view.user())))
        })
        .await
    }

    /// The newest messages whose text holds `text`, in whatever case; at most `limit`, of the last 50,000 lines.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn search(&self, text: &str, limit: usize) -> Result<Vec<Found>, ClientFault> {
        const LINES: usize = 50_000;
        let wanted = text.trim().to_lowercase();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let limit = limit.min(MOST_LINES);
        let (mut found, mut before, mut seen) = (Vec::new(), i64::MAX, 0);
        // In many short reads, so that no other waits for a search.
        while seen < LINES && found.len() < limit {
            let lines = self.read(move |view| view.newest_lines(before, MOST_LINES)).await?;
            let Some(last) = lines.last() else {
                break;
            };
            (before, seen) = (last.place, seen + lines.len());
            let user = self.uri().user();
            found.extend(
                lines
                    .into_iter()
                    .filter(|line| line.text().is_some_and(|text| text.to_lowercase().contains(&wanted)))
                    .map(|line| Found { group: line.group.clone(), line: line.view(user) }),
            );
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Sends a text; it is shown at once. Gives its name.
    ///
    /// # Errors
    ///
    /// Where there is no such conversation, this user may not send in it, or the text is empty or too long.
    pub async fn send(
        &self,
        group: &GroupUri,
        text: &str,
        format: Format,
        reply_to: Option<MessageId>,
    ) -> Result<MessageId, ClientFault> {
        fit(text, MAX_TEXT_BYTES, "A message has between 1 and 65,536 bytes.")?;
        let part = Part::text(format.content_type(), text);
        self.say(group, move |_| Ok((part, reply_to, None))).await
    }

    /// Reacts to a message, mostly with one emoji. The same again takes the reaction back.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), or where there is no such message.
    pub async fn react(
        &self,
        group: &GroupUri,
        message: &MessageId,
        reaction: &str,
    ) -> Result<MessageId, ClientFault> {
        fit(reaction, MAX_REACTION_BYTES, "A reaction has between 1 and 64 bytes.")?;
        let (name, of, text) = (group.clone(), *message, reaction.to_owned());
        self.say(group, move |tx| {
            let (.., known) = tx.message_named(&name, &of)?.ok_or(ClientFault::NoMessage)?;
            let own = known.reactions.iter().find(|one| one.user == *tx.user() && one.text == text);
            Ok(match own {
                Some(own) => (Part::null().as_reaction(), Some(of), Some(own.id)),
                None => (Part::text(crate::content::PLAIN, &text).as_reaction(), Some(of), None),
            })
        })
        .await
    }

    /// Puts another text in the place of an own message.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), or where the message is not there or of another user.
    pub async fn edit(
        &self,
        group: &GroupUri,
        message: &MessageId,
        text: &str,
        format: Format,
    ) -> Result<MessageId, ClientFault> {
        fit(text, MAX_TEXT_BYTES, "A message has between 1 and 65,536 bytes.")?;
        let part = Part::text(format.content_type(), text);
        let (name, of) = (group.clone(), *message);
        self.say(group, move |tx| {
            let (of, reply) = own_message(tx, &name, &of)?;
            Ok((part, reply, Some(of)))
        })
        .await
    }

    /// Takes an own message back; those who have read it may remember it all the same.
    ///
    /// # Errors
    ///
    /// As for [`edit`](Self::edit).
    pub async fn delete_message(
        &self,
        group: &GroupUri,
        message: &MessageId,
    ) -> Result<MessageId, ClientFault> {
        let (name, of) = (group.clone(), *message);
        self.say(group, move |tx| {
            let (of, reply) = own_message(tx, &name, &of)?;
            Ok((Part::null(), reply, Some(of)))
        })
        .await
    }

    /// Sends a message again that failed.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub async fn retry(&self, group: &GroupUri, message: &MessageId) -> Result<(), ClientFault> {
        let (group, message) = (group.clone(), *message);
        self.step(move |tx| {
            may_send(tx, &group)?;
            tx.send_again(&group, &message)
        })
        .await
    }

    /// The whole content of a message as it came, also what of it cannot be shown: MIMI content, or what was sent instead.
    ///
    /// # Errors
    ///
    /// Where there is no such message.
    pub async fn content(&self, group: &GroupUri, message: &MessageId) -> Result<Vec<u8>, ClientFault> {
        let (group, message) = (group.clone(), *message);
        self.read(move |view| {
            let (.., known) = view.message_named(&group, &message)?.ok_or(ClientFault::NoMessage)?;
            Ok(known.content.0)
        })
        .await
    }

    /// Marks everything up to a place as read.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn mark_read(&self, group: &GroupUri, up_to: i64) -> Result<(), ClientFault> {
        let group = group.clone();
        self.step(move |tx| tx.mark_read(&group, up_to)).await
    }

    /// Creates a group at the own provider, with this user as its admin. Without a suite it is the default one.
    ///
    /// # Errors
    ///
    /// Where the name is too long or would not be seen, the suite is not to be had, or the provider refuses. Where the provider is away, the
    /// group is registered once it is back.
    pub async fn create_group(
        &self,
        name: &str,
        add: Who,
        send: Who,
        cipher_suite: Option<u16>,
    ) -> Result<GroupUri, ClientFault> {
        fit_name(name)?;
        let suite = match cipher_suite {
            None => mls::CIPHER_SUITES[0],
            Some(number) => mls::suite(number)
                .ok_or(ClientFault::Unfit("This client does not have that cipher suite."))?,
        };
        // A scheme that the crypto provider lacks would show only when signing.
        debug_assert_ne!(SignatureScheme::from(suite), SignatureScheme::ED448);
        let policy = Policy { name: name.to_owned(), admins: vec![self.uri().user().clone()], add, send };
        let provider = self.uri().provider().clone();
        let register = self
            .step(move |tx| {
                group::create(tx, &GroupUri::new(&provider, &group_name(tx.random())), suite, &policy)
            })
            .await?;
        let group = register.group.clone();
        self.register(register).await?;
        Ok(group)
    }

    /// Registers a group at the provider. A refusal ends the group; without an answer it is tried again later.
    pub(crate) async fn register(
        &self,
        register: drawbridge_mtp::message::RegisterGroup,
    ) -> Result<(), ClientFault> {
        let group = register.group.clone();
        let taken = match self.home.register(register).await {
            Ok(()) => true,
            // The name is random: whoever has registered it is this client, whose answer was lost.
            Err(HomeFault::Refused(problem)) if problem.code == "conflict" => true,
            Err(HomeFault::Refused(problem)) => {
                let name = group.clone();
                self.step(move |tx| group::registered(tx, &name, false)).await?;
                return Err(HomeFault::Refused(problem).into());
            }
            Err(fault) => {
                tracing::info!(%group, %fault, "the group is registered later");
                return Ok(());
            }
        };
        self.step(move |tx| group::registered(tx, &group, taken)).await
    }

    /// Asks a user for consent to be added. Once it is given, the client adds the user by itself.
    ///
    /// # Errors
    ///
    /// Where this user may not add, or the provider refuses.
    pub async fn ask_to_add(&self, group: &GroupUri, user: &UserUri) -> Result<Asked, ClientFault> {
        let (name, whom) = (group.clone(), user.clone());
        let called = self.read(move |view| {
            let conversation = view.the_conversation(&name)?;
            if !conversation.may_add(view.user()) {
                return Err(ClientFault::NotAllowed("You may not add people to this conversation."));
            }
            if conversation.users().contains(&whom) {
                return Err(ClientFault::NotAllowed("They are in this conversation already."));
            }
            Ok(conversation.policy().name)
        });
        let title = Title::of_name(&called.await?);
        let asked =
            self.home.ask_to_add(AskToAdd { group: group.clone(), title, user: user.clone() }).await?;
        let (name, whom, state) = (group.clone(), user.clone(), asked.state);
        self.step(move |tx| tx.asked_to_add(&name, &whom, state)).await?;
        Ok(asked)
    }

    /// Adds this user's other clients.
    ///
    /// # Errors
    ///
    /// Where there is no such conversation.
    pub async fn add_own_clients(&self, group: &GroupUri) -> Result<(), ClientFault> {
        self.intend(group, |_, _| Ok(Want::AddOwn)).await
    }

    /// Removes a user with all clients.
    ///
    /// # Errors
    ///
    /// Where this user is no admin, or means itself.
    pub async fn remove(&self, group: &GroupUri, user: &UserUri) -> Result<(), ClientFault> {
        let user = user.clone();
        self.intend(group, move |tx, conversation| {
            if !conversation.policy().is_admin(tx.user()) {
                return Err(ClientFault::NotAllowed("Only admins remove others."));
            }
            if user == *tx.user() {
                return Err(ClientFault::NotAllowed("Leave the conversation instead."));
            }
            Ok(Want::Remove { user })
        })
        .await
    }

    /// Takes this client out of a conversation. Another member's client makes it so.
    ///
    /// # Errors
    ///
    /// Where this user is its last admin, and others are in it.
    pub async fn leave(&self, group: &GroupUri) -> Result<(), ClientFault> {
        self.intend(group, |tx, conversation| {
            let (policy, users) = (conversation.policy(), conversation.users());
            let others = users.iter().any(|user| user != tx.user());
            let another = policy.admins.iter().any(|admin| admin != tx.user() && users.contains(admin));
            let own = conversation.members.iter().filter(|client| client.user() == tx.user()).count();
            if policy.is_admin(tx.user()) && others && !another && own == 1 {
                return Err(ClientFault::NotAllowed(
                    "You are the only admin. Make another member an admin first.",
                ));
            }
            Ok(Want::Leave)
        })
        .await
    }

    /// How much of a conversation is kept here.
    ///
    /// # Errors
    ///
    /// Where there is no such conversation, or the store fails.
    pub async fn stored(&self, group: &GroupUri) -> Result<StoredConversation, ClientFault> {
        let group = group.clone();
        self.read(move |view| view.stored(&group, view.the_conversation(&group)?.standing)).await
    }

    /// Forgets a conversation that is over here: what was said in it, and all keys of it. It does not come back unless somebody adds
    /// this client anew.
    ///
    /// # Errors
    ///
    /// Where there is no such conversation, this client is still in it, or the store fails.
    pub async fn forget(&self, group: &GroupUri) -> Result<(), ClientFault> {
        let group = group.clone();
        self.step(move |tx| {
            if !tx.the_conversation(&group)?.is_over() {
                return Err(ClientFault::NotAllowed("You are still in this conversation. Leave it first."));
            }
            group::forget_state(tx, &group)?;
            tx.forget_conversation(&group)
        })
        .await
    }

    /// Gives this client new keys in a conversation: who has got hold of the old ones reads nothing further with them.
    ///
    /// # Errors
    ///
    /// Where there is no such conversation.
    pub async fn renew(&self, group: &GroupUri) -> Result<(), ClientFault> {
        self.intend(group, |_, _| Ok(Want::Renew)).await
    }

    /// What is left to do, in words; none where this client is at rest: nothing is on its way, nothing is wanted but
    /// what waits for somebody's consent, and the state of every conversation that goes on fits the group's.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn left_to_do(&self) -> Result<Vec<String>, ClientFault> {
        self.read(|view| {
            let mut left = Vec::new();
            if view.cursor()?.unchecked {
                left.push("its groups are not held against their logs yet".to_owned());
            }
            for conversation in view.conversations()? {
                let Conversation { group, standing, epoch, wait_for, .. } = &conversation;
                if !conversation.is_over() {
                    if *standing != Standing::Member {
                        left.push(format!("{group}: it is {standing:?}"));
                    }
                    if conversation.registering.is_some() {
                        left.push(format!("{group}: it is not registered"));
                    }
                    if wait_for > epoch {
                        left.push(format!("{group}: it is at epoch {epoch} and waits for {wait_for}"));
                    }
                }
                let on_its_way = view.outgoing(group)?.into_iter().filter(|one| one.stage != Stage::Failed);
                left.extend(on_its_way.map(|one| format!("{group}: {} is {:?}", one.kind, one.stage)));
                let consented = |want: &Want| !matches!(want, Want::Add { approved: false, .. });
                let wanted = view.intents(group)?.into_iter().filter(|intent| consented(&intent.want));
                left.extend(wanted.map(|intent| format!("{group}: {:?} from {}", intent.want, intent.due)));
            }
            Ok(left)
        })
        .await
    }

    /// Changes the name, the rules or the admins of a conversation.
    ///
    /// # Errors
    ///
    /// Where this user is no admin, the name is too long or would not be seen, or no member would be an admin.
    pub async fn change_policy(&self, group: &GroupUri, change: PolicyChange) -> Result<(), ClientFault> {
        if let Some(name) = &change.name {
            fit_name(name)?;
        }
        self.intend(group, move |tx, conversation| {
            if !conversation.policy().is_admin(tx.user()) {
                return Err(ClientFault::NotAllowed("Only admins change a conversation."));
            }
            let users = conversation.users();
            if change.admins.as_ref().is_some_and(|admins| !admins.iter().any(|who| users.contains(who))) {
                return Err(ClientFault::NotAllowed("At least one member has to be an admin."));
            }
            Ok(Want::Change(change))
        })
        .await
    }

    /// Asks a user for a connection.
    ///
    /// # Errors
    ///
    /// Where the provider refuses or is away.
    pub async fn ask_to_connect(&self, to: &UserUri) -> Result<Asked, ClientFault> {
        Ok(self.home.ask_to_connect(AskToConnect { to: to.clone() }).await?)
    }

    /// Connections and requests to add, as the provider has them.
    ///
    /// # Errors
    ///
    /// Where the provider is away.
    pub async fn requests(&self) -> Result<(ShownConnections, ShownAuthorizations), ClientFault> {
        Ok((self.home.connections().await?, self.home.authorizations().await?))
    }

    /// Forgets the state of a group and joins it anew by an external commit; for one that does not work any more.
    ///
    /// # Errors
    ///
    /// Where this client is not in such a conversation.
    pub async fn join_anew(&self, group: &GroupUri) -> Result<(), ClientFault> {
        let group = group.clone();
        self.step(move |tx| {
            let mut conversation = tx.the_conversation(&group)?;
            if conversation.is_over() {
                return Err(ClientFault::NotAllowed("This client is no longer in the conversation."));
            }
            if conversation.is_member() {
                conversation.broke("The client joins anew.");
                tx.set_conversation(&conversation)?;
            }
            tx.ring_to_do();
            Ok(())
        })
        .await
    }

    async fn intend(
        &self,
        group: &GroupUri,
        want: impl FnOnce(&Tx<'_>, &Conversation) -> Result<Want, ClientFault> + Send + 'static,
    ) -> Result<(), ClientFault> {
        let group = group.clone();
        self.step(move |tx| {
            let conversation = tx.the_conversation(&group)?;
            if conversation.is_over() {
                return Err(ClientFault::NotAllowed("This client is no longer in the conversation."));
            }
            let want = want(tx, &conversation)?;
            tx.want(&group, want, tx.now)
        })
        .await
    }

    async fn say(
        &self,
        group: &GroupUri,
        what: impl FnOnce(&Tx<'_>) -> Result<(Part, Option<MessageId>, Option<MessageId>), ClientFault>
        + Send
        + 'static,
    ) -> Result<MessageId, ClientFault> {
        let group = group.clone();
        self.step(move |tx| {
            may_send(tx, &group)?;
            let (part, reply_to, replaces) = what(tx)?;
            let mut content = Content::new(tx.random(), tx.user(), &group, part).replying_to(reply_to);
            if let Some(replaces) = replaces {
                content = content.replacing(replaces);
            }
            group::own_content(tx, &group, &content)
        })
        .await
    }

    /// Runs a step where it may wait for the disk.
    pub(crate) async fn step<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Tx<'_>) -> Result<T, ClientFault> + Send + 'static,
    ) -> Result<T, ClientFault> {
        let store = Arc::clone(&self.store);
        blocking(move || store.step(step)).await
    }

    /// Looks at the store where it may wait for the disk.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View<'_>) -> Result<T, ClientFault> + Send + 'static,
    ) -> Result<T, ClientFault> {
        let store = Arc::clone(&self.store);
        blocking(move || store.read(look)).await
    }
}

/// The name of a new group, which nobody guesses.
#[expect(clippy::expect_used, reason = "ten small letters and digits are a name")]
fn group_name(random: [u8; 10]) -> Name {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters: String = random.iter().map(|octet| char::from(LETTERS[usize::from(octet % 32)])).collect();
    letters.parse().expect("letters and digits are a name")
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ClientFault> + Send + 'static,
) -> Result<T, ClientFault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ClientFault::Stopping)?
}

fn fit(text: &str, most: usize, otherwise: &'static str) -> Result<(), ClientFault> {
    if text.trim().is_empty() || text.len() > most { Err(ClientFault::Unfit(otherwise)) } else { Ok(()) }
}

fn fit_name(name: &str) -> Result<(), ClientFault> {
    if name.len() > MAX_NAME_BYTES {
        return Err(ClientFault::Unfit("A name has at most 256 bytes."));
    }
    // None at all is a choice; one that is not seen would pass for none, or for another's.
    if !name.is_empty() && shows_nothing(name) {
        return Err(ClientFault::Unfit(
            "Nothing of this name would be seen. Give one with a letter or a sign, or none at all.",
        ));
    }
    Ok(())
}

fn may_send(tx: &Tx<'_>, group: &GroupUri) -> Result<(), ClientFault> {
    let conversation = tx.the_conversation(group)?;
    match conversation.standing {
        Standing::Left | Standing::Removed | Standing::Leaving => {
            Err(ClientFault::NotAllowed("You are no longer in this conversation."))
        }
        _ if !conversation.may_send(tx.user()) => {
            Err(ClientFault::NotAllowed("Only admins write in this conversation."))
        }
        _ => Ok(()),
    }
}

/// The first name of an own message, and what it answers.
fn own_message(
    tx: &Tx<'_>,
    group: &GroupUri,
    message: &MessageId,
) -> Result<(MessageId, Option<MessageId>), ClientFault> {
    let (.., known) = tx.message_named(group, message)?.ok_or(ClientFault::NoMessage)?;
    if known.sender.user() != tx.user() || known.deleted {
        return Err(ClientFault::NotAllowed("Only its author changes a message."));
    }
    Ok((known.id, known.in_reply_to))
}

impl Tx<'_> {
    /// A user has been asked, or has agreed.
    pub(crate) fn asked_to_add(
        &self,
        group: &GroupUri,
        user: &UserUri,
        state: ConnectionState,
    ) -> Result<(), ClientFault> {
        let open = self
            .intents(group)?
            .into_iter()
            .find(|intent| matches!(&intent.want, Want::Add { user: known, .. } if known == user));
        let approved = match state {
            ConnectionState::Pending => false,
            ConnectionState::Approved => true,
            ConnectionState::Declined | ConnectionState::Ended | ConnectionState::Expired => {
                return match open {
                    Some(intent) => self.forget_intent(group, intent.place),
                    None => Ok(()),
                };
            }
        };
        match open {
            Some(mut intent) => {
                if let Want::Add { approved: known, .. } = &mut intent.want {
                    *known |= approved;
                }
                intent.due = self.now;
                self.put_intent(group, &intent)
            }
            None => self.want(group, Want::Add { user: user.clone(), approved }, self.now),
        }
    }
}
