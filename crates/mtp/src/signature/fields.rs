//! The fields, the exact form of their member `mtp`, and the signature base.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, header::CONTENT_TYPE};
use sfv::{BareItem, Dictionary, InnerList, Item, ListEntry, Parser};

use crate::{
    id::Provider,
    keys::Thumbprint,
    octets::{self, Hash32},
};

/// The field that names the provider a request is meant for.
pub const MTP_TO: HeaderName = HeaderName::from_static("mtp-to");
/// The field with the digest of the content (RFC 9530).
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// The field that says what is signed (RFC 9421).
pub const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
/// The field with the signatures (RFC 9421).
pub const SIGNATURE: HeaderName = HeaderName::from_static("signature");

/// The label of our signatures, and their `tag`.
pub(super) const LABEL: &str = "mtp";
/// The longest that a signature may hold, in seconds.
pub(super) const MAX_LIFETIME_S: u64 = 300;

/// A component that a signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Component {
    /// A derived component or field of the message itself.
    Own(&'static str),
    /// A derived component of the request that a response answers.
    OfRequest(&'static str),
    /// The request's own signature.
    RequestSignature,
}

/// The parameters of a signature in the form of section 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) created: u64,
    pub(super) expires: u64,
    pub(super) nonce: [u8; 16],
    pub(super) signer: Provider,
    pub(super) kid: Thumbprint,
}

/// A member `mtp` of both fields, in the form of section 4.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) parameters: Parameters,
    pub(super) signature: Vec<u8>,
}

impl Component {
    /// The component's identifier in a signature's input and base.
    fn identifier(self) -> String {
        match self {
            Self::Own(name) => format!("\"{name}\""),
            Self::OfRequest(name) => format!("\"{name}\";req"),
            Self::RequestSignature => format!("\"signature\";req;key=\"{LABEL}\""),
        }
    }

    fn is(self, item: &Item) -> bool {
        let mut parameters = item.params.iter().map(|(key, value)| (key.as_str(), value));
        let mut req = || matches!(parameters.next(), Some(("req", BareItem::Boolean(true))));
        let (name, as_expected) = match self {
            Self::Own(name) => (name, true),
            Self::OfRequest(name) => (name, req()),
            Self::RequestSignature => (
                "signature",
                req() && {
                    let key = parameters.next();
                    matches!(key, Some(("key", BareItem::String(key))) if key.as_str() == LABEL)
                },
            ),
        };
        let named = matches!(&item.bare_item, BareItem::String(text) if text.as_str() == name);
        named && as_expected && parameters.next().is_none()
    }
}

impl Parameters {
    /// The inner list that stands for `@signature-params`, in the one form it has.
    pub(super) fn input(&self, components: &[Component]) -> String {
        let identifiers: Vec<_> = components.iter().map(|component| component.identifier()).collect();
        format!(
            "({});created={};expires={};nonce=\"{}\";keyid=\"{}#{}\";alg=\"ed25519\";tag=\"{LABEL}\"",
            identifiers.join(" "),
            self.created,
            self.expires,
            octets::to_base64url(&self.nonce),
            self.signer,
            self.kid,
        )
    }

    /// Reads the parameters of `input` where its components and parameters are exactly those expected.
    fn parse(input: &InnerList, components: &[Component]) -> Result<Self, &'static str> {
        let covers = input.items.len() == components.len()
            && input.items.iter().zip(components).all(|(item, component)| component.is(item));
        if !covers {
            return Err("the signature does not cover exactly the components that it has to, in their order");
        }
        let mut given = input.params.iter().map(|(key, value)| (key.as_str(), value));
        let mut next = |name| given.next().filter(|(key, _)| *key == name).map(|(_, value)| value);
        let mut all = || {
            Some([
                next("created")?,
                next("expires")?,
                next("nonce")?,
                next("keyid")?,
                next("alg")?,
                next("tag")?,
            ])
        };
        let [created, expires, nonce, keyid, alg, tag] = all().filter(|_| input.params.len() == 6).ok_or(
            "its parameters are not exactly created, expires, nonce, keyid, alg and tag, in this order",
        )?;
        let (created, expires) = seconds(created)
            .zip(seconds(expires))
            .ok_or("its created or expires is not a time in seconds")?;
        if !(1..=MAX_LIFETIME_S).contains(&expires.saturating_sub(created)) {
            return Err("its expires is not 1 to 300 s after its created");
        }
        let nonce = text(nonce)
            .and_then(|nonce| octets::from_base64url(nonce).ok())
            .ok_or("its nonce is not 16 bytes in base64url without padding")?;
        let (signer, kid) = text(keyid).and_then(key_id).ok_or("its keyid is not {provider}#{kid}")?;
        if text(alg) != Some("ed25519") || text(tag) != Some(LABEL) {
            return Err("its alg is not ed25519, or its tag is not mtp");
        }
        Ok(Self { created, expires, nonce, signer, kid })
    }
}

fn seconds(value: &BareItem) -> Option<u64> {
    value.as_integer().and_then(|seconds| i64::from(seconds).try_into().ok())
}

fn text(value: &BareItem) -> Option<&str> {
    value.as_string().map(sfv::StringRef::as_str)
}

fn key_id(text: &str) -> Option<(Provider, Thumbprint)> {
    let (provider, kid) = text.split_once('#')?;
    Some((provider.parse().ok()?, kid.parse().ok()?))
}

impl Signed {
    /// Reads the member `mtp` of both fields.
    pub(super) fn parse(headers: &HeaderMap, components: &[Component]) -> Result<Self, &'static str> {
        let input =
            dictionary(headers, &SIGNATURE_INPUT).ok_or("there is no Signature-Input that can be read")?;
        let Some(ListEntry::InnerList(input)) = input.get(LABEL) else {
            return Err("Signature-Input has no member mtp");
        };
        let signature = signature(headers).ok_or("Signature has no member mtp that is bytes")?;
        Ok(Self { parameters: Parameters::parse(input, components)?, signature })
    }
}

/// The bytes of the member `mtp` of `Signature`.
pub(super) fn signature(headers: &HeaderMap) -> Option<Vec<u8>> {
    match dictionary(headers, &SIGNATURE)?.swap_remove(LABEL)? {
        ListEntry::Item(Item { bare_item: BareItem::ByteSequence(bytes), params }) if params.is_empty() => {
            Some(bytes)
        }
        _ => None,
    }
}

/// The hash in a `Content-Digest` that is exactly one member, `sha-256`.
pub(super) fn sha256_of_digest(field: &[u8]) -> Option<Hash32> {
    let digests: Dictionary = Parser::new(field).parse().ok()?;
    match digests.get("sha-256") {
        Some(ListEntry::Item(item)) if digests.len() == 1 => {
            Some(Hash32(item.bare_item.as_byte_sequence()?.try_into().ok()?))
        }
        _ => None,
    }
}

/// The value of `Content-Digest` for `content`.
pub(super) fn digest_of(content: &[u8]) -> String {
    format!("sha-256={}", byte_sequence(Hash32::of(content).as_bytes()))
}

/// A byte sequence of structured fields.
pub(super) fn byte_sequence(bytes: &[u8]) -> String {
    format!(":{}:", BASE64_STANDARD.encode(bytes))
}

fn dictionary(headers: &HeaderMap, name: &HeaderName) -> Option<Dictionary> {
    Parser::new(&combined(headers, name)?).parse().ok()
}

/// What a signature says of itself. It proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldSignature {
    /// The components that it covers, with their parameters, such as `@method` and `@query;req`.
    pub covered: Vec<String>,
    /// Its `keyid`, where it has one that is text.
    pub key: Option<String>,
}

/// What the member `mtp` of a `Signature-Input` says of itself, in whatever form it is, for a person to read.
pub fn told_signature(input: &str) -> Option<ToldSignature> {
    let fields: Dictionary = Parser::new(input).parse().ok()?;
    let Some(ListEntry::InnerList(input)) = fields.get(LABEL) else { return None };
    let covered = input.items.iter().filter_map(|item| {
        let name = item.bare_item.as_string()?.as_str().to_owned();
        let parameters = item.params.iter().map(|(key, value)| match value {
            BareItem::Boolean(true) => format!(";{key}"),
            value => format!(";{key}={}", text(value).unwrap_or("?")),
        });
        Some(parameters.fold(name, |name, parameter| name + &parameter))
    });
    let key = input.params.get("keyid").and_then(text).map(str::to_owned);
    Some(ToldSignature { covered: covered.collect(), key })
}

/// A field's value, as it is signed and as it is meant (section 4): its lines, each without the space around it, with a
/// comma and a space between (RFC 9421, 2.1). None where there is no line.
pub fn combined(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let mut lines = headers.get_all(name).iter().map(|line| line.as_bytes().trim_ascii());
    let mut value = lines.next()?.to_vec();
    for line in lines {
        value.extend_from_slice(b", ");
        value.extend_from_slice(line);
    }
    Some(value)
}

/// The value of `Content-Digest`, as it was received.
pub(super) fn content_digest(headers: &HeaderMap) -> Option<Vec<u8>> {
    combined(headers, &CONTENT_DIGEST)
}

/// Covers the fields of a message that has content: its type, `encoding` where that is there, its digest.
pub(super) fn cover_content(
    base: &mut Base,
    headers: &HeaderMap,
    encoding: Option<&HeaderName>,
) -> Result<(), &'static str> {
    let content_type = combined(headers, &CONTENT_TYPE).ok_or("there is content without Content-Type")?;
    base.cover(Component::Own("content-type"), content_type);
    if let Some(encoding) = encoding.and_then(|encoding| combined(headers, encoding)) {
        base.cover(Component::Own("content-encoding"), encoding);
    }
    let digest = content_digest(headers).ok_or("there is content without Content-Digest")?;
    base.cover(Component::Own("content-digest"), digest);
    Ok(())
}

/// A signature base under construction (RFC 9421, 2.5).
#[derive(Default)]
pub(super) struct Base {
    components: Vec<Component>,
    lines: Vec<u8>,
}

impl Base {
    /// Adds a component and its value.
    pub(super) fn cover(&mut self, component: Component, value: impl AsRef<[u8]>) {
        self.lines.extend_from_slice(component.identifier().as_bytes());
        self.lines.extend_from_slice(b": ");
        self.lines.extend_from_slice(value.as_ref());
        self.lines.push(b'\n');
        self.components.push(component);
    }

    pub(super) fn components(&self) -> &[Component] {
        &self.components
    }

    /// The octets that are signed.
    pub(super) fn close(mut self, parameters: &Parameters) -> Vec<u8> {
        self.lines.extend_from_slice(b"\"@signature-params\": ");
        self.lines.extend_from_slice(parameters.input(&self.components).as_bytes());
        self.lines
    }
}
