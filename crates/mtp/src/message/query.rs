//! Queries (sections 6 and 11): plain values, each at most once; unknown parameters are ignored.

use std::{
    fmt::{Display, Write as _},
    str::FromStr,
};

use crate::{
    id::{Generation, Id},
    wire::{MAX_INTEGER, Malformed},
};

/// The query of `GET /feed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedQuery {
    /// The last number that the puller has stored.
    pub after: u64,
    /// The id of the item with that number; none with `after=0`.
    pub last: Option<Id>,
    /// The history in which it has that number; may be left out with `after=0` only.
    pub generation: Option<Generation>,
    /// How long the answer may be held, in seconds.
    pub wait: u64,
    /// The most items of a page; none for the server's limit.
    pub max_events: Option<u64>,
    /// The most bytes of a page; none for the server's limit.
    pub max_bytes: Option<u64>,
}

/// The query of `GET /peering`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeeringQuery {
    /// How long the answer may be held, in seconds.
    pub wait: u64,
}

impl FeedQuery {
    /// Reads what stands after the `?`.
    ///
    /// # Errors
    ///
    /// Where a parameter is missing, repeated, percent-encoded or not in its form.
    pub fn parse(query: &str) -> Result<Self, Malformed> {
        let parsed = Self::parse_of_client(query)?;
        if parsed.after > 0 && (parsed.last.is_none() || parsed.generation.is_none()) {
            return Err(Malformed::new("with `after` over 0, `last` and `generation` have to be there"));
        }
        Ok(parsed)
    }

    /// Reads what stands after the `?` where a user's client asks: it need not name its last item.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn parse_of_client(query: &str) -> Result<Self, Malformed> {
        let [after, last, generation, wait, max_events, max_bytes] =
            parameters(query, ["after", "last", "generation", "wait", "max_events", "max_bytes"])?;
        let after = number("after", after, 0)?.ok_or_else(|| Malformed::new("`after` is missing"))?;
        // With `after=0`, `last` is ignored, whatever it is.
        let last = parsed("last", last.filter(|_| after > 0))?;
        let generation = parsed("generation", generation)?;
        if after > 0 && generation.is_none() {
            return Err(Malformed::new("with `after` over 0, `generation` has to be there"));
        }
        Ok(Self {
            after,
            last,
            generation,
            wait: number("wait", wait, 0)?.unwrap_or(0),
            max_events: number("max_events", max_events, 1)?,
            max_bytes: number("max_bytes", max_bytes, 1)?,
        })
    }

    /// Writes what stands after the `?`.
    pub fn to_query(&self) -> String {
        let mut query = format!("after={}", self.after);
        let mut add = |name, value: Option<&dyn Display>| {
            if let Some(value) = value {
                // Writing to a String cannot fail.
                let _ = write!(query, "&{name}={value}");
            }
        };
        let last = self.last.filter(|_| self.after > 0);
        add("last", last.as_ref().map(|id| id as _));
        add("generation", self.generation.as_ref().map(|id| id as _));
        add("wait", (self.wait > 0).then_some(&self.wait as _));
        add("max_events", self.max_events.as_ref().map(|n| n as _));
        add("max_bytes", self.max_bytes.as_ref().map(|n| n as _));
        query
    }
}

impl PeeringQuery {
    /// Reads what stands after the `?`; nothing may.
    ///
    /// # Errors
    ///
    /// Where `wait` is repeated, percent-encoded or not a number.
    pub fn parse(query: &str) -> Result<Self, Malformed> {
        let [wait] = parameters(query, ["wait"])?;
        Ok(Self { wait: number("wait", wait, 0)?.unwrap_or(0) })
    }

    /// Writes what stands after the `?`.
    pub fn to_query(&self) -> String {
        format!("wait={}", self.wait)
    }
}

/// The values of the parameters of these names, each there at most once.
pub(super) fn parameters<'a, const N: usize>(
    query: &'a str,
    names: [&str; N],
) -> Result<[Option<&'a str>; N], Malformed> {
    let mut values = [None; N];
    for parameter in query.split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let Some(place) = names.iter().position(|known| *known == name) else {
            continue;
        };
        if values[place].replace(value).is_some() {
            return Err(Malformed::new(format_args!("`{name}` is there twice")));
        }
    }
    Ok(values)
}

pub(super) fn number(name: &str, value: Option<&str>, least: u64) -> Result<Option<u64>, Malformed> {
    let Some(value) = value else {
        return Ok(None);
    };
    let plain = value.bytes().all(|b| b.is_ascii_digit()) && (value == "0" || !value.starts_with('0'));
    match value.parse::<u64>() {
        Ok(number) if plain && (least..=MAX_INTEGER).contains(&number) => Ok(Some(number)),
        _ => Err(Malformed::new(format_args!("`{name}` is not a plain number from {least} to 2^53-1"))),
    }
}

fn parsed<T: FromStr<Err: Display>>(name: &str, value: Option<&str>) -> Result<Option<T>, Malformed> {
    value
        .map(|value| value.parse().map_err(|fault| Malformed::new(format_args!("`{name}` is {fault}"))))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0198d0a0-1111-7000-8000-000000000001";

    #[test]
    fn a_puller_that_has_nothing_needs_only_to_say_so() {
        assert_eq!(FeedQuery::parse("after=0"), Ok(FeedQuery::default()));
        assert!(FeedQuery::parse("").is_err(), "but it has to say so");
    }

    #[test]
    fn a_puller_that_has_something_says_what_and_of_which_history() {
        let whole = format!("after=41&last={ID}&generation={ID}&wait=30&max_events=100&max_bytes=65536");
        let query = FeedQuery::parse(&whole).unwrap();
        assert_eq!(query.to_query(), whole);
        assert!(FeedQuery::parse(&format!("after=41&generation={ID}")).is_err(), "without its last item");
        assert!(FeedQuery::parse(&format!("after=41&last={ID}")).is_err(), "without its history");
    }

    #[test]
    fn of_a_puller_that_starts_anew_it_does_not_matter_what_it_had_last() {
        assert_eq!(FeedQuery::parse("after=0&last=zz"), Ok(FeedQuery::default()));
        assert_eq!(FeedQuery::parse(&format!("after=0&last={ID}")), Ok(FeedQuery::default()));
        assert!(FeedQuery::parse(&format!("after=1&last=zz&generation={ID}")).is_err());
        assert!(FeedQuery::parse("after=0&last=zz&last=zz").is_err(), "but nothing is there twice");
    }

    #[test]
    fn what_is_not_plain_is_malformed_and_what_is_unknown_ignored() {
        for odd in [
            "after",
            "after=",
            "after=-1",
            "after=+1",
            "after=00",
            "after=01",
            "after=1.0",
            "after=0x1",
            "after=%30",
            "after=0&after=0",
            "after=0&wait=",
            "after=0&wait=1&wait=1",
            "after=0&max_events=0",
            "after=0&max_bytes=0",
            "after=9007199254740992",
            "after=0&generation=g%31",
            "after=0&generation=",
            "after=0&wait=%31",
            "after=99999999999999999999999",
        ] {
            assert!(FeedQuery::parse(odd).is_err(), "{odd}");
        }
        for fine in ["after=0&x=%zz&x=1&&=", "after=0&wait=0", "&after=0", "after=0&AFTER=7"] {
            assert!(FeedQuery::parse(fine).is_ok(), "{fine}");
        }
        assert_eq!(PeeringQuery::parse("wait=7&x"), Ok(PeeringQuery { wait: 7 }));
        assert_eq!(PeeringQuery::parse(""), Ok(PeeringQuery { wait: 0 }));
        assert!(PeeringQuery::parse("wait=07").is_err());
    }
}
