//! How settings are read from text and written as text.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn from_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|fault| serde::de::Error::custom(format!("{text:?} does not fit here: {fault}")))
}

/// The same, for what says itself what is wrong with the whole text.
pub(super) fn from_plain_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = String>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

pub(super) fn all_from_text<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: FromStr<Err = String>,
    D: Deserializer<'de>,
{
    let read = |text: String| text.parse().map_err(serde::de::Error::custom);
    Vec::<String>::deserialize(deserializer)?.into_iter().map(read).collect()
}

pub(super) fn optional_from_text<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    from_text(deserializer).map(Some)
}

pub(super) fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(super) fn optional_as_text<S: Serializer>(
    value: &Option<impl fmt::Display>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

pub(super) fn all_as_text<S: Serializer>(
    values: &[impl fmt::Display],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(ToString::to_string))
}

pub(super) fn some_as_text<S: Serializer>(
    values: &Option<Vec<impl fmt::Display>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match values {
        Some(values) => all_as_text(values, serializer),
        None => serializer.serialize_none(),
    }
}

pub(super) fn some_networks<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<IpNet>>, D::Error> {
    networks(deserializer).map(Some)
}

/// Networks in CIDR form, such as `192.168.0.0/16`.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let read = |text: String| {
        let form = "a network is written as an address, a slash and the length of its prefix, such as 192.168.0.0/16";
        text.parse().map_err(|_| serde::de::Error::custom(format!("{text:?} does not fit here: {form}")))
    };
    Vec::<String>::deserialize(deserializer)?.into_iter().map(read).collect()
}
