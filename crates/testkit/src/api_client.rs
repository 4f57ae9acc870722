//! A client of a user, as far as a test needs one: it speaks the client API and makes KeyPackages.

use std::net::SocketAddr;

use drawbridge_mtp::id::ClientUri;
use drawbridge_mtp::problem::{Code, ReceivedProblem};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::KeyPackageDraft;

/// A client with its token, which writes and reads JSON as a test has it.
#[derive(Clone)]
pub struct ApiClient {
    uri: ClientUri,
    token: String,
    base: String,
    http: reqwest::Client,
}

impl ApiClient {
    /// The client `uri` with its token, whose provider listens to it at `address`.
    pub fn at(address: SocketAddr, uri: ClientUri, token: String) -> Self {
        // Another test of this process may have chosen the same one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
        Self { uri, token, base: format!("http://{address}/client/v1"), http }
    }

    /// Its address.
    pub fn uri(&self) -> &ClientUri {
        &self.uri
    }

    /// Its token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// A KeyPackage of its own, which holds for a month; altered before it is made.
    pub fn key_package(&self) -> KeyPackageDraft {
        KeyPackageDraft::of(self.uri.as_str())
    }

    /// `GET`, which has to succeed.
    pub async fn gets(&self, resource: &str) -> Value {
        self.sends(Method::GET, resource, None).await.1
    }

    /// `POST` of some JSON, which has to succeed.
    pub async fn posts(&self, resource: &str, json: Value) -> (StatusCode, Value) {
        self.sends(Method::POST, resource, Some(json)).await
    }

    /// `POST` of some JSON, which has to be refused with `code`.
    pub async fn expect_refusal(&self, resource: &str, json: Value, code: Code) -> ReceivedProblem {
        let (status, body) = self.exchange(Method::POST, resource, Some(json)).await;
        let problem = ReceivedProblem::parse(&body).unwrap();
        assert_eq!((problem.known(), status), (Some(code), code.status()), "{resource}: {problem:?}");
        problem
    }

    async fn sends(&self, method: Method, resource: &str, json: Option<Value>) -> (StatusCode, Value) {
        let (status, body) = self.exchange(method, resource, json).await;
        assert!(status.is_success(), "{resource}: {status} {}", String::from_utf8_lossy(&body));
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// One request, whatever is answered.
    pub async fn exchange(
        &self,
        method: Method,
        resource: &str,
        json: Option<Value>,
    ) -> (StatusCode, Vec<u8>) {
        let mut request =
            self.http.request(method, format!("{}{resource}", self.base)).bearer_auth(&self.token);
        if let Some(json) = json {
            request = request.header("content-type", "application/json").body(json.to_string());
        }
        let response = request.send().await.expect("the node answers");
        (response.status(), response.bytes().await.unwrap().to_vec())
    }
}
