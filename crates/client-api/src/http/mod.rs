//! The client API over HTTP (`docs/client-api.md`): requests with a client's bearer token, CBOR both ways.
//!
//! # Example
//!
//! A client with an account at somebody else's provider has been given the provider's address and a token:
//!
//! ```no_run
//! use drawbridge_client_api::Home;
//! use drawbridge_client_api::http::{HttpApi, HttpHome};
//!
//! # async fn sign_in() -> Result<(), Box<dyn std::error::Error>> {
//! let url = "https://chat.example:8444/client/v1".parse()?;
//! let token = "f3xGmzuyDBiBAXKvqUdpoFyl9cI3ZQAjbQYxi1RtR9w".parse()?;
//! let api = HttpApi::new(url, token, b"")?;
//! // Whose token it is is asked once and kept, so that later the client starts while the provider is away.
//! let me = api.me().await?;
//! let home = HttpHome::new(api, me.client);
//! println!("{} has {} KeyPackages left", home.client(), home.stock().await?.available);
//! # Ok(())
//! # }
//! ```

mod address;
mod api;
mod home;

pub use address::{ApiUrl, InvalidApiUrl, InvalidToken, Token};
pub use api::{ApiFault, HttpApi};
pub use home::HttpHome;
