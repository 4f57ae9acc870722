//! Telling where an event is: an optional part of the profile (`docs/traces.md`).

use serde::{Deserialize, Serialize};

use super::query::{number, parameters};
use crate::{id::Provider, time::Timestamp, wire::Malformed};

/// The query of `GET /groups/{name}/trace`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceQuery {
    /// The number of the event.
    pub seq: u64,
}

impl TraceQuery {
    /// Reads what stands after the `?`.
    ///
    /// # Errors
    ///
    /// Where `seq` is missing, repeated or not a number over 0.
    pub fn parse(query: &str) -> Result<Self, Malformed> {
        let [seq] = parameters(query, ["seq"])?;
        let seq = number("seq", seq, 1)?.ok_or_else(|| Malformed::new("`seq` is missing"))?;
        Ok(Self { seq })
    }

    /// Writes what stands after the `?`.
    pub fn to_query(&self) -> String {
        format!("seq={}", self.seq)
    }
}

/// The answer to `GET /groups/{name}/trace`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceReply {
    /// The steps that the answerer knows of, in order.
    pub steps: Vec<ToldStep>,
}

/// One step of an event on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldStep {
    /// Which: one of the words of `docs/traces.md`, or another that the reader skips.
    pub name: String,
    /// The provider whose feed the step is about; none for the answerer's own steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Provider>,
    /// `done`, `here`, `ahead` or `failed`.
    pub state: String,
    /// When that was, by the answerer's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// One sentence.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_names_one_event() {
        assert_eq!(TraceQuery::parse("seq=7&more=1"), Ok(TraceQuery { seq: 7 }));
        assert_eq!(TraceQuery { seq: 7 }.to_query(), "seq=7");
        for odd in ["", "seq=", "seq=0", "seq=-1", "seq=1&seq=2", "seq=9007199254740992"] {
            assert!(TraceQuery::parse(odd).is_err(), "{odd}");
        }
    }
}
