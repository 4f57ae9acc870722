//! MIMI content as CBOR: definite lengths, no more parts and no deeper than is allowed, nothing after the end.

use std::collections::HashSet;

use minicbor::{Decoder, Encoder, data::Type, decode};

use super::{
    Content, Disposition, Expires, ExtensionKey, External, MAX_DEPTH, MAX_PARTS, MessageId, Part, PartKind,
    Semantics,
};

/// The most extensions of one message.
const MAX_EXTENSIONS: u64 = 64;
/// The most bytes of an extension's value (section 4.3).
const MAX_EXTENSION_BYTES: usize = 4_096;

/// Bytes that are not MIMI content.
#[derive(Debug, thiserror::Error)]
#[error("not MIMI content: {0}")]
pub struct InvalidContent(String);

impl InvalidContent {
    fn new(why: &str) -> Self {
        Self(why.to_owned())
    }
}

impl From<decode::Error> for InvalidContent {
    fn from(fault: decode::Error) -> Self {
        Self(fault.to_string())
    }
}

type Read<T> = Result<T, InvalidContent>;

impl Content {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// Where it is not in the form of the draft's appendix A, or nested deeper, or in more parts, than is read here.
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, InvalidContent> {
        let mut cbor = Decoder::new(bytes);
        exactly(array(&mut cbor)?, 7, "a message has seven members")?;
        let salt = sized(cbor.bytes()?, "a salt has 16 octets")?;
        let replaces = message_id(&mut cbor)?;
        let topic = cbor.bytes()?.to_vec();
        let expires = expires(&mut cbor)?;
        let in_reply_to = message_id(&mut cbor)?;
        let extensions = extensions(&mut cbor, bytes)?;
        let mut parts = 0;
        let body = part(&mut cbor, MAX_DEPTH, &mut parts)?;
        if cbor.position() != bytes.len() {
            return Err(InvalidContent::new("there is something after its end"));
        }
        Ok(Self { salt, replaces, topic, expires, in_reply_to, extensions, body })
    }

    /// Writes it, in CBOR's deterministic encoding.
    pub fn to_cbor(&self) -> Vec<u8> {
        let mut cbor = Encoder::new(Vec::new());
        // Writing to a vector cannot fail.
        let _ = write_content(&mut cbor, self);
        cbor.into_writer()
    }
}

fn array(cbor: &mut Decoder<'_>) -> Read<u64> {
    cbor.array()?.ok_or_else(|| InvalidContent::new("an array without a length"))
}

fn exactly(length: u64, wanted: u64, otherwise: &str) -> Read<()> {
    if length == wanted { Ok(()) } else { Err(InvalidContent::new(otherwise)) }
}

fn sized<const N: usize>(bytes: &[u8], otherwise: &str) -> Read<[u8; N]> {
    bytes.try_into().map_err(|_| InvalidContent::new(otherwise))
}

fn message_id(cbor: &mut Decoder<'_>) -> Read<Option<MessageId>> {
    if cbor.datatype()? == Type::Null {
        cbor.null()?;
        return Ok(None);
    }
    sized(cbor.bytes()?, "a message id has 32 octets").map(|id| Some(MessageId::from_bytes(id)))
}

fn expires(cbor: &mut Decoder<'_>) -> Read<Option<Expires>> {
    if cbor.datatype()? == Type::Null {
        cbor.null()?;
        return Ok(None);
    }
    exactly(array(cbor)?, 2, "an expiration has two members")?;
    Ok(Some(Expires { relative: cbor.bool()?, seconds: cbor.u32()? }))
}

fn extensions(cbor: &mut Decoder<'_>, bytes: &[u8]) -> Read<Vec<(ExtensionKey, Vec<u8>)>> {
    let count = cbor.map()?.ok_or_else(|| InvalidContent::new("a map without a length"))?;
    if count > MAX_EXTENSIONS {
        return Err(InvalidContent::new("it has too many extensions"));
    }
    let mut seen = HashSet::new();
    let mut extensions = Vec::new();
    for _ in 0..count {
        let key = match cbor.datatype()? {
            Type::String => match cbor.str()? {
                name if (1..=255).contains(&name.len()) => ExtensionKey::Name(name.to_owned()),
                _ => return Err(InvalidContent::new("an extension's name has 1 to 255 octets")),
            },
            _ => ExtensionKey::Number(cbor.i64()?),
        };
        if !seen.insert(key.clone()) {
            return Err(InvalidContent::new("an extension is there twice"));
        }
        let start = cbor.position();
        cbor.skip()?;
        let value = bytes.get(start..cbor.position()).unwrap_or_default();
        if value.len() > MAX_EXTENSION_BYTES {
            return Err(InvalidContent::new("an extension is too long"));
        }
        extensions.push((key, value.to_vec()));
    }
    Ok(extensions)
}

fn part(cbor: &mut Decoder<'_>, depth: usize, parts: &mut usize) -> Read<Part> {
    *parts += 1;
    if depth == 0 || *parts > MAX_PARTS {
        return Err(InvalidContent::new("its body has too many parts, or they are nested too deep"));
    }
    let length = array(cbor)?;
    if length < 3 {
        return Err(InvalidContent::new("a part has at least three members"));
    }
    let disposition = Disposition(cbor.u8()?);
    let language = cbor.str()?.to_owned();
    let otherwise = "a part has not the members of its kind";
    let kind = match cbor.u8()? {
        0 => {
            exactly(length, 3, otherwise)?;
            PartKind::Null
        }
        1 => {
            exactly(length, 5, otherwise)?;
            PartKind::Single { content_type: cbor.str()?.to_owned(), content: cbor.bytes()?.to_vec() }
        }
        2 => {
            exactly(length, 15, otherwise)?;
            PartKind::External(Box::new(external(cbor)?))
        }
        3 => {
            exactly(length, 5, otherwise)?;
            let semantics = match cbor.u8()? {
                0 => Semantics::ChooseOne,
                1 => Semantics::SingleUnit,
                2 => Semantics::ProcessAll,
                _ => return Err(InvalidContent::new("its parts belong together in an unknown way")),
            };
            let count = array(cbor)?;
            if count < 2 {
                return Err(InvalidContent::new("several parts are at least two"));
            }
            let mut inner = Vec::new();
            for _ in 0..count {
                inner.push(part(cbor, depth - 1, parts)?);
            }
            PartKind::Multi { semantics, parts: inner }
        }
        _ => return Err(InvalidContent::new("a part of an unknown kind")),
    };
    Ok(Part { disposition, language, kind })
}

fn external(cbor: &mut Decoder<'_>) -> Read<External> {
    Ok(External {
        content_type: cbor.str()?.to_owned(),
        url: cbor.str()?.to_owned(),
        expires: cbor.u32()?,
        size: cbor.u64()?,
        encryption: cbor.u16()?,
        key: cbor.bytes()?.to_vec(),
        nonce: cbor.bytes()?.to_vec(),
        aad: cbor.bytes()?.to_vec(),
        hash_algorithm: cbor.u8()?,
        hash: cbor.bytes()?.to_vec(),
        description: cbor.str()?.to_owned(),
        filename: cbor.str()?.to_owned(),
    })
}

type Write = Result<(), minicbor::encode::Error<std::convert::Infallible>>;
type ToVec = Encoder<Vec<u8>>;

fn write_content(cbor: &mut ToVec, content: &Content) -> Write {
    let Content { salt, replaces, topic, expires, in_reply_to, extensions, body } = content;
    cbor.array(7)?.bytes(salt)?;
    write_id(cbor, replaces)?;
    cbor.bytes(topic)?;
    match expires {
        Some(Expires { relative, seconds }) => cbor.array(2)?.bool(*relative)?.u32(*seconds)?,
        None => cbor.null()?,
    };
    write_id(cbor, in_reply_to)?;
    cbor.map(extensions.len() as u64)?;
    for (key, value) in extensions {
        match key {
            ExtensionKey::Number(number) => cbor.i64(*number)?,
            ExtensionKey::Name(name) => cbor.str(name)?,
        };
        cbor.writer_mut().extend_from_slice(value);
    }
    write_part(cbor, body)
}

fn write_id(cbor: &mut ToVec, id: &Option<MessageId>) -> Write {
    match id {
        Some(id) => cbor.bytes(id.as_bytes())?,
        None => cbor.null()?,
    };
    Ok(())
}

fn write_part(cbor: &mut ToVec, part: &Part) -> Write {
    let members = match &part.kind {
        PartKind::Null => 3,
        PartKind::Single { .. } | PartKind::Multi { .. } => 5,
        PartKind::External(_) => 15,
    };
    cbor.array(members)?.u8(part.disposition.0)?.str(&part.language)?;
    match &part.kind {
        PartKind::Null => cbor.u8(0)?,
        PartKind::Single { content_type, content } => cbor.u8(1)?.str(content_type)?.bytes(content)?,
        PartKind::External(external) => {
            let e = external;
            cbor.u8(2)?.str(&e.content_type)?.str(&e.url)?.u32(e.expires)?.u64(e.size)?;
            cbor.u16(e.encryption)?.bytes(&e.key)?.bytes(&e.nonce)?.bytes(&e.aad)?;
            cbor.u8(e.hash_algorithm)?.bytes(&e.hash)?.str(&e.description)?.str(&e.filename)?
        }
        PartKind::Multi { semantics, parts } => {
            let semantics = match semantics {
                Semantics::ChooseOne => 0,
                Semantics::SingleUnit => 1,
                Semantics::ProcessAll => 2,
            };
            cbor.u8(3)?.u8(semantics)?.array(parts.len() as u64)?;
            for part in parts {
                write_part(cbor, part)?;
            }
            cbor
        }
    };
    Ok(())
}
