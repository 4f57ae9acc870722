//! MLS structures as they come: read once here, and strictly to their last byte.

use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::policy::{EXTENSION_TYPE, Policy};
use drawbridge_mtp::problem::{Code, Problem};
use openmls::extensions::Extensions;
use openmls::framing::PublicMessageIn;
use openmls::group::{GroupContext, GroupId};
use openmls::messages::group_info::VerifiableGroupInfo;
use openmls::messages::{ConfirmationTag, Welcome};
use openmls::prelude::tls_codec::{Deserialize, Serialize, Size};
use openmls::prelude::{
    BasicCredential, ContentType, Credential, DeserializeBytes, MlsMessageBodyIn, MlsMessageIn,
    ProtocolMessage, RatchetTreeIn,
};

use crate::mls::read_framed_or_bare;

/// A message of a group, as far as its framing tells.
pub(crate) enum Framed {
    /// A `PrivateMessage` with application data.
    Application {
        /// The epoch in which it was made.
        epoch: u64,
    },
    /// A `PublicMessage`.
    Handshake(Box<PublicMessageIn>),
}

/// How MTP's names stand in MLS (sections 2 and 10). There is one way; tests with others' vectors have another.
pub(crate) struct Conventions {
    /// The MLS name of a group.
    pub(crate) group_id: fn(&GroupUri) -> GroupId,
    /// Whose credential it is.
    pub(crate) client_of: fn(&Credential) -> Result<ClientUri, Problem>,
    /// The policy in a group context.
    pub(crate) policy_of: fn(&Extensions<GroupContext>) -> Result<Policy, Problem>,
    /// What a submission to a group is.
    pub(crate) message: fn(&[u8], &GroupId) -> Result<Framed, Problem>,
}

/// The conventions of this profile.
pub(crate) static MTP: Conventions = Conventions { group_id, client_of, policy_of, message };

/// The same, but what is no message of the group is taken for an application message of epoch 1.
#[cfg(feature = "foreign")]
pub(crate) static FOREIGN: Conventions = Conventions {
    message: |bytes, group| message(bytes, group).or(Ok(Framed::Application { epoch: 1 })),
    ..MTP
};

/// Reads a message that is to be one of `group`.
pub(in crate::delivery) fn message(bytes: &[u8], group: &GroupId) -> Result<Framed, Problem> {
    let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes)
        .map_err(|fault| invalid(format!("`mls` is not an MLS message: {fault}")))?;
    let message = message
        .try_into_protocol_message()
        .map_err(|_| invalid("`mls` is not a message of a group".into()))?;
    if message.group_id() != group {
        return Err(invalid("the message is of another group".into()));
    }
    match message {
        ProtocolMessage::PublicMessage(message) => Ok(Framed::Handshake(message)),
        ProtocolMessage::PrivateMessage(message) if message.content_type() == ContentType::Application => {
            Ok(Framed::Application { epoch: message.epoch().as_u64() })
        }
        ProtocolMessage::PrivateMessage(_) => Err(Problem::new(
            Code::UnsupportedWireFormat,
            "proposals and commits have to be PublicMessage, so that the group's owner can check them",
        )),
    }
}

/// Reads a GroupInfo, as `MLSMessage` or bare.
pub(in crate::delivery) fn group_info(bytes: &[u8]) -> Result<VerifiableGroupInfo, Problem> {
    read_framed_or_bare(bytes, |body| match body {
        MlsMessageBodyIn::GroupInfo(info) => Some(info),
        _ => None,
    })
    .ok_or_else(|| invalid("`group_info` is not an MLS GroupInfo".into()))
}

/// Whether a GroupInfo lets further clients join by themselves (section 10).
pub(in crate::delivery) fn check_external_pub(info: &VerifiableGroupInfo) -> Result<(), Problem> {
    match info.extensions().external_pub() {
        Some(_) => Ok(()),
        None => Err(invalid("`group_info` has no external_pub, which further clients join with".into())),
    }
}

/// What a GroupInfo ends with: the confirmation tag of its epoch, and the leaf that signed.
pub(in crate::delivery) fn ending(info: &VerifiableGroupInfo) -> Result<(ConfirmationTag, u32), Problem> {
    let before = info.group_context().tls_serialized_len() + info.extensions().tls_serialized_len();
    let bytes = info.tls_serialize_detached().map_err(|fault| invalid(fault.to_string()))?;
    let mut rest = bytes.get(before..).unwrap_or_default();
    let read = ConfirmationTag::tls_deserialize(&mut rest)
        .and_then(|tag| Ok((tag, u32::tls_deserialize(&mut rest)?)));
    read.map_err(|fault| invalid(fault.to_string()))
}

/// Reads a Welcome, as `MLSMessage` or bare.
pub(in crate::delivery) fn welcome(bytes: &[u8]) -> Result<Welcome, Problem> {
    read_framed_or_bare(bytes, |body| match body {
        MlsMessageBodyIn::Welcome(welcome) => Some(welcome),
        _ => None,
    })
    .ok_or_else(|| invalid("`welcome` is not an MLS Welcome".into()))
}

/// Reads a ratchet tree.
pub(in crate::delivery) fn ratchet_tree(bytes: &[u8]) -> Result<RatchetTreeIn, Problem> {
    RatchetTreeIn::tls_deserialize_exact_bytes(bytes)
        .map_err(|fault| invalid(format!("`ratchet_tree` is not an MLS ratchet tree: {fault}")))
}

fn group_id(group: &GroupUri) -> GroupId {
    GroupId::from_slice(group.as_str().as_bytes())
}

/// A client, by its URI.
pub(crate) fn client_of(credential: &Credential) -> Result<ClientUri, Problem> {
    let basic = BasicCredential::try_from(credential.clone())
        .map_err(|_| invalid("a leaf's credential is not a basic one".into()))?;
    std::str::from_utf8(basic.identity())
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid("a leaf's identity is not the URI of a client".into()))
}

fn policy_of(extensions: &Extensions<GroupContext>) -> Result<Policy, Problem> {
    let extension = extensions
        .unknown(EXTENSION_TYPE)
        .ok_or_else(|| invalid("the group context has no policy (extension 0xF4D0)".into()))?;
    Policy::from_cbor(&extension.0)
        .map_err(|fault| invalid(format!("the group's policy is malformed: {fault}")))
}

/// What is not MLS, or not valid MLS.
pub(in crate::delivery) fn invalid(text: String) -> Problem {
    Problem::new(Code::InvalidMls, text)
}
