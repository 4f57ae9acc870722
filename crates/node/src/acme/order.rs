//! One order at a directory, from the account to the certificate (RFC 8555, section 7).

use std::net::IpAddr;
use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeType, Error, Identifier, NewAccount,
    NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};

use super::answers::Answers;
use super::directory::Directory;
use super::fault::{AcmeFault, is_replacement_refused, words_of};
use super::kept;
use crate::ground::config::{AcmeChallenge, AcmeConfig};
use crate::identity::IssuanceCode;

/// The directory is asked how far it is, less and less often, for as long as that.
const POLL: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(250))
    .backoff(1.5)
    .timeout(Duration::from_secs(180));

/// How orders are made at one directory.
pub(super) struct Orders {
    pub(super) settings: AcmeConfig,
    /// The hosts that a certificate is for.
    pub(super) names: Vec<String>,
    pub(super) directory: Directory,
    pub(super) answers: Answers,
}

impl Orders {
    /// The directory's URL.
    pub(super) fn url(&self) -> &str {
        self.settings.directory.url()
    }

    /// Our account there: the one that is kept, which is changed where its contact is another, or a new one.
    ///
    /// Returns with it what is to be kept, where that is another.
    pub(super) async fn account(
        &self,
        kept: Option<&kept::Account>,
    ) -> Result<(Account, Option<kept::Account>), AcmeFault> {
        let contact = self.settings.contact.as_ref().map(|contact| format!("mailto:{contact}"));
        let contacts: Vec<&str> = contact.iter().map(String::as_str).collect();
        let builder = Account::builder_with_http(Box::new(self.directory.clone()));
        let Some(kept) = kept else {
            let ask = NewAccount {
                contact: &contacts,
                terms_of_service_agreed: self.settings.agree_terms,
                only_return_existing: false,
            };
            let made = builder.create(&ask, self.url().to_owned(), None).await;
            let (account, credentials) = made.map_err(|fault| self.met(&fault))?;
            let credentials = serde_json::to_value(&credentials).map_err(|fault| self.met(&fault.into()))?;
            return Ok((account, Some(kept::Account { credentials, contact: self.contact() })));
        };
        let credentials = serde_json::from_value(kept.credentials.clone());
        let credentials = credentials.map_err(|_| AcmeFault {
            is_account_gone: true,
            ..AcmeFault::of(
                IssuanceCode::Refused,
                "the kept ACME account cannot be read, so another one is made",
            )
        })?;
        let account = builder.from_credentials(credentials).await.map_err(|fault| self.met(&fault))?;
        if kept.contact == self.contact() {
            return Ok((account, None));
        }
        account.update_contacts(&contacts).await.map_err(|fault| self.met(&fault))?;
        let changed = kept::Account { credentials: kept.credentials.clone(), contact: self.contact() };
        Ok((account, Some(changed)))
    }

    fn contact(&self) -> Option<String> {
        self.settings.contact.as_ref().map(ToString::to_string)
    }

    /// Makes an order, in the place of the certificate `replaced` where the directory takes it as that, and proves that the names are
    /// ours.
    pub(super) async fn prove(
        &self,
        account: &Account,
        replaced: Option<CertificateIdentifier<'static>>,
    ) -> Result<Order, AcmeFault> {
        let names: Vec<Identifier> = self.names.iter().map(|name| identifier(name)).collect();
        let mut order = self.order(account, &names, replaced).await?;
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(|fault| self.met(&fault))?;
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                status => {
                    let text = format!("the ACME directory {} takes no proof: it is {status:?}", self.url());
                    return Err(AcmeFault::of(IssuanceCode::Refused, text));
                }
            }
            let kind = self.settings.challenge;
            let name = authorization.identifier().to_string();
            let Some(mut challenge) = authorization.challenge(asked_as(kind)) else {
                let text = format!(
                    "the ACME directory {} does not take {} as a proof of {name}; choose another [acme] challenge",
                    self.url(),
                    kind.as_str()
                );
                return Err(AcmeFault::of(IssuanceCode::Refused, text));
            };
            let key = challenge.key_authorization();
            let (token, whose) = (challenge.token.clone(), challenge.identifier().identifier.clone());
            self.answers.put(kind, &whose, &token, &key).await?;
            match challenge.set_ready().await {
                Ok(()) => {}
                Err(Error::Api(problem)) if is_of_challenge(&problem) => {
                    return Err(self.not_proved(&name, &words_of(&problem)));
                }
                Err(fault) => return Err(self.met(&fault)),
            }
        }
        match order.poll_ready(&POLL).await {
            Ok(OrderStatus::Ready) => Ok(order),
            Ok(_) => Err(self.why_invalid(order, None).await),
            Err(Error::Api(problem)) => Err(self.why_invalid(order, Some(problem)).await),
            Err(fault) => Err(self.met(&fault)),
        }
    }

    async fn order(
        &self,
        account: &Account,
        names: &[Identifier],
        replaced: Option<CertificateIdentifier<'static>>,
    ) -> Result<Order, AcmeFault> {
        if let Some(replaced) = replaced {
            match account.new_order(&NewOrder::new(names).replaces(replaced)).await {
                Ok(order) => return Ok(order),
                Err(fault) if is_replacement_refused(&fault) => {
                    tracing::debug!(%fault, "the order is made as a new one");
                }
                Err(fault) => return Err(self.met(&fault)),
            }
        }
        account.new_order(&NewOrder::new(names)).await.map_err(|fault| self.met(&fault))
    }

    /// What the directory has found where it looked for the answers to its challenges.
    async fn why_invalid(&self, mut order: Order, problem: Option<Problem>) -> AcmeFault {
        let mut authorizations = order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            let name = authorization.identifier().to_string();
            let Ok(state) = authorization.refresh().await else { continue };
            if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
                return self.not_proved(&name, &words_of(problem));
            }
        }
        match problem {
            Some(problem) if is_of_challenge(&problem) => {
                self.not_proved(&self.names.join(", "), &words_of(&problem))
            }
            Some(problem) => self.met(&Error::Api(problem)),
            None => self.not_proved(&self.names.join(", "), "it does not say why"),
        }
    }

    fn not_proved(&self, name: &str, why: &str) -> AcmeFault {
        let challenge = self.settings.challenge.as_str();
        let text = format!(
            "the ACME directory {} could not check by {challenge} that {name} is here: {why}",
            self.url()
        );
        AcmeFault::of(IssuanceCode::Challenge, text)
    }

    /// Asks for the certificate with the key `key` (PEM) where that has not been done, and waits for it.
    ///
    /// Returns the chain, PEM.
    pub(super) async fn finish(&self, order: &mut Order, key: &str) -> Result<String, AcmeFault> {
        if order.state().status == OrderStatus::Ready {
            let request = self.signing_request(key).map_err(|fault| {
                AcmeFault::of(
                    IssuanceCode::Refused,
                    format!("no request for a certificate could be made: {fault}"),
                )
            })?;
            order.finalize_csr(&request).await.map_err(|fault| self.met(&fault))?;
        }
        order.poll_certificate(&POLL).await.map_err(|fault| self.met(&fault))
    }

    fn signing_request(&self, key: &str) -> Result<Vec<u8>, rcgen::Error> {
        let key = KeyPair::from_pem(key)?;
        let mut request = CertificateParams::new(self.names.clone())?;
        // The names are in the extension for them; a directory may refuse what else is said of their owner.
        request.distinguished_name = DistinguishedName::new();
        Ok(request.serialize_request(&key)?.der().to_vec())
    }

    /// What was met at the directory.
    pub(super) fn met(&self, fault: &Error) -> AcmeFault {
        AcmeFault::met(fault, self.url(), self.directory.take_rest())
    }
}

fn identifier(name: &str) -> Identifier {
    name.parse::<IpAddr>().map_or_else(|_| Identifier::Dns(name.to_owned()), Identifier::Ip)
}

fn asked_as(challenge: AcmeChallenge) -> ChallengeType {
    match challenge {
        AcmeChallenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
        AcmeChallenge::Http01 => ChallengeType::Http01,
        AcmeChallenge::Dns01 => ChallengeType::Dns01,
    }
}

/// Whether a problem is about what was found at our name.
fn is_of_challenge(problem: &Problem) -> bool {
    let kind = problem.r#type.as_deref().unwrap_or_default();
    ["connection", "dns", "incorrectResponse", "tls", "unauthorized"]
        .iter()
        .any(|of_challenge| kind.strip_prefix("urn:ietf:params:acme:error:") == Some(of_challenge))
}
