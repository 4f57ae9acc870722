//! Asks whoever is reached under our own name which process it is.

use http::HeaderValue;
use http::header::CACHE_CONTROL;
use rustls::pki_types::CertificateDer;

use super::Peers;
use super::document_answer::DOCUMENT_PATH;
use super::reach::DOCUMENT_TIME;
use super::transport::transport_fault;
use crate::ground::copies::LIFE;
use crate::peer_fault::{PeerFault, Stage};

impl Peers {
    /// Asks whether another copy of our data folder runs, and takes the answer. `own` is our certificate, where it has signed itself.
    ///
    /// It is none of the requests that are recorded and counted, since nobody else has to do with it.
    ///
    /// # Errors
    ///
    /// Nobody is reached under our name, as where this network does not lead to it from inside.
    pub(crate) async fn ask_under_our_name(
        &self,
        own: Option<CertificateDer<'static>>,
    ) -> Result<(), PeerFault> {
        let ground = &self.ground;
        self.check_literal(ground.ours.host())?;
        let no_client =
            |fault: reqwest::Error| PeerFault::new(Stage::Connect, "connect-failed", fault.to_string());
        let client = self.outbound.without_memory(own).map_err(no_client)?;
        let signer = ground.signer()?;
        let Some(question) = ground.copies.question(signer.key(), ground.ambient.now()) else {
            return Ok(());
        };
        let request = client
            .get(format!("https://{}{DOCUMENT_PATH}", ground.ours))
            .timeout(DOCUMENT_TIME)
            // What something in between has kept is not what is answered now.
            .header(CACHE_CONTROL, HeaderValue::from_static("no-cache"))
            .header(&LIFE, question);
        let answer = request.send().await.map_err(|fault| transport_fault(&fault))?;
        if let Some(answer) = answer.headers().get(&LIFE) {
            ground.copies.take_answer(answer, &ground.keys.published(), ground.ambient.now());
        }
        Ok(())
    }
}
