//! A whole MLS client of a provider as a library: groups, people, messages.
//!
//! It reaches its provider through [`Home`], the client API as methods, and keeps everything in a file of its own, sealed
//! under a [`StorageKey`]. A [`Client`] is asked things by its person and remembers them; [`Client::run`] does them, pulls
//! the feed, and keeps KeyPackages in stock. The provider may be in the same process or anywhere: the client is the same.
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`content`] | what messages say: MIMI content |
//! | `store` | the file: one step is one transaction |
//! | `mls` | openmls over that store; its suites, its forms |
//! | `group` | events, commits, joining, and what messages do to a conversation; all within a step |
//! | `run` | the loops: pull, send, work, stock |
//! | `client`, `view`, `show` | what a GUI asks, and what it is shown |
//!
//! Three things carry it. **A step is a transaction**: MLS state, the feed's cursor, what is to be sent and what is
//! shown change together or not at all, so a crash anywhere is a crash between two steps. **Everything may come twice**:
//! events are known by their number, own ones by their bytes, results by their submission, so each is taken in once.
//! **What is wanted outlives the commit that was to do it**: a commit that loses its epoch is thrown away, and the next
//! one is made of what is still wanted.
//!
//! # Example
//!
//! A person creates a group and writes in it while their provider is away. Both is remembered, and given to the provider by
//! [`Client::run`] once it is back. A home that nobody answers in:
//!
//! ```
//! use drawbridge_client::{Answer, Client, Delivery, Format, Home, HomeFault, LineKind, Settings, StorageKey};
//! use drawbridge_client_api::ambient::System;
//! use drawbridge_mtp::{id::ClientUri, policy::Who};
//! # use drawbridge_mtp::{id::GroupUri, message::*, octets::Hash32};
//!
//! struct NobodyThere(ClientUri);
//!
//! fn away<T>() -> Answer<T> {
//!     Err(HomeFault::Away("nobody is there".into()))
//! }
//!
//! impl Home for NobodyThere {
//!     fn client(&self) -> &ClientUri {
//!         &self.0
//!     }
//!
//!     async fn register(&self, _: RegisterGroup) -> Answer<()> {
//!         away()
//!     }
//!
//!     // … and so on with every other call of the client API.
//! #   async fn publish(&self, _: PublishKeyPackages) -> Answer<KeyPackageStock> { away() }
//! #   async fn stock(&self) -> Answer<KeyPackageStock> { away() }
//! #   async fn connections(&self) -> Answer<ShownConnections> { away() }
//! #   async fn ask_to_connect(&self, _: AskToConnect) -> Answer<Asked> { away() }
//! #   async fn ask_to_add(&self, _: AskToAdd) -> Answer<Asked> { away() }
//! #   async fn authorizations(&self) -> Answer<ShownAuthorizations> { away() }
//! #   async fn claim(&self, _: ClientClaimRequest) -> Answer<ClaimReply> { away() }
//! #   async fn groups(&self) -> Answer<OwnGroups> { away() }
//! #   async fn status(&self, _: &GroupUri) -> Answer<GroupStatus> { away() }
//! #   async fn roster(&self, _: &GroupUri) -> Answer<Roster> { away() }
//! #   async fn info(&self, _: &GroupUri) -> Answer<GroupInfoReply> { away() }
//! #   async fn log(&self, _: &GroupUri, _: LogQuery) -> Answer<LogPage<ShownEvent>> { away() }
//! #   async fn submit(&self, _: &GroupUri, _: Vec<Submission>) -> Answer<Vec<SubmissionResult>> { away() }
//! #   async fn feed(&self, _: FeedQuery) -> Answer<FeedPage<ShownEvent>> { away() }
//! #   async fn object(&self, _: &Hash32) -> Answer<Vec<u8>> { away() }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let home = NobodyThere("mimi://home.example/u/ann/d/desk".parse()?);
//! let (file, key) = (folder.path().join("ann.sqlite"), StorageKey::random(&System));
//! let client = Client::open(home, &file, key, Settings::default()).await?;
//!
//! let group = client.create_group("Tea", Who::Members, Who::Members, None).await?;
//! client.send(&group, "Is anybody there?", Format::Plain, None).await?;
//!
//! let lines = client.conversation(&group, None, 10).await?;
//! let Some(LineKind::Message(message)) = lines.last().map(|line| &line.what) else { panic!("no message") };
//! assert_eq!((message.text.as_str(), message.state), ("Is anybody there?", Delivery::Sending));
//! # Ok(())
//! # }
//! ```

mod client;
pub mod content;
mod fault;
mod group;
mod key;
mod mls;
mod run;
mod settings;
mod show;
mod store;
mod view;

pub use client::{Client, MAX_TEXT_BYTES};
pub use drawbridge_client_api::{Answer, Home, HomeFault};
pub use fault::{ClientFault, StoreFault};
pub use key::{Sealed, StorageKey};
pub use settings::Settings;
pub use store::PolicyChange;
pub use view::{
    ClientChange, ConversationView, Delivery, Format, Found, LineKind, LineView, MemberView, MessageView,
    Notice, Preview, ReactionView, Standing, StoredConversation,
};
