//! Times, in the one spelling they have on the wire (section 5).

use std::{fmt, str::FromStr, time::Duration};

use jiff::{
    Unit,
    civil::{self, Date, Time},
};

use crate::text::as_text;

/// A moment, in milliseconds since 1970, from 1970 to 9999: `YYYY-MM-DDTHH:MM:SS.sssZ`, always with three
/// digits and `Z`.
///
/// A `Timestamp` can always be written; what is later than its last millisecond becomes that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// A text that is not a time in the form of section 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time: its form is YYYY-MM-DDTHH:MM:SS.sssZ, from 1970 to 9999")]
pub struct InvalidTime;

/// So far ahead of ours another's clock may be (sections 4, 7, 8 and 10).
pub const MAX_AHEAD: Duration = Duration::from_secs(300);

const EPOCH: Date = civil::date(1970, 1, 1);
const MILLIS_A_DAY: u64 = 86_400_000;

impl Timestamp {
    /// The last one: `9999-12-31T23:59:59.999Z`.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The moment `millis` milliseconds after the start of 1970, at most [`Timestamp::MAX`].
    pub const fn from_millis(millis: u64) -> Self {
        if millis > Self::MAX.0 { Self::MAX } else { Self(millis) }
    }

    /// The moment `secs` seconds after the start of 1970, at most [`Timestamp::MAX`].
    pub const fn from_secs(secs: u64) -> Self {
        Self::from_millis(secs.saturating_mul(1_000))
    }

    /// Milliseconds since the start of 1970.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the start of 1970.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }

    /// The moment `later` after this one, to the millisecond, at most [`Timestamp::MAX`].
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        let millis = u64::try_from(later.as_millis()).unwrap_or(u64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// The moment `earlier` before this one, to the millisecond, at least the start of 1970.
    #[must_use]
    pub fn minus(self, earlier: Duration) -> Self {
        let millis = u64::try_from(earlier.as_millis()).unwrap_or(u64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }

    /// How long after `earlier` this is; zero where it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// As a person reads it in a sentence, in UTC: nobody needs the part of a second.
    ///
    /// ```
    /// # use drawbridge_mtp::time::Timestamp;
    /// assert_eq!(Timestamp::from_millis(1_800_000_000_123).in_words(), "2027-01-15 08:00:00 UTC");
    /// ```
    pub fn in_words(self) -> String {
        let written = self.to_string();
        let told = written
            .split_once('T')
            .and_then(|(day, time)| Some(format!("{day} {} UTC", time.split_once('.')?.0)));
        told.unwrap_or(written)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = i64::try_from(self.0 / MILLIS_A_DAY).map_err(|_| fmt::Error)?;
        let date = EPOCH.checked_add(jiff::Span::new().days(days)).map_err(|_| fmt::Error)?;
        let millis = self.0 % MILLIS_A_DAY;
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            date.year(),
            date.month(),
            date.day(),
            millis / 3_600_000,
            millis / 60_000 % 60,
            millis / 1_000 % 60,
            millis % 1_000,
        )
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        const FORM: &[u8; 24] = b"0000-00-00T00:00:00.000Z";
        let text = text.as_bytes();
        let fits = text.len() == FORM.len()
            && text
                .iter()
                .zip(FORM)
                .all(|(b, form)| if *form == b'0' { b.is_ascii_digit() } else { b == form });
        if !fits {
            return Err(InvalidTime);
        }
        let number =
            |from: usize, to: usize| text[from..to].iter().fold(0, |n, b| n * 10 + i16::from(b - b'0'));
        let small = |from: usize, to: usize| number(from, to) as i8;
        let date = Date::new(number(0, 4), small(5, 7), small(8, 10)).map_err(|_| InvalidTime)?;
        let time = Time::new(small(11, 13), small(14, 16), small(17, 19), 0).map_err(|_| InvalidTime)?;
        let days = EPOCH.until((Unit::Day, date)).map_err(|_| InvalidTime)?.get_days();
        let days = u64::try_from(days).map_err(|_| InvalidTime)?;
        let in_day = [time.hour(), time.minute(), time.second()]
            .iter()
            .fold(0, |n, part| n * 60 + u64::from(part.unsigned_abs()));
        Ok(Self(days * MILLIS_A_DAY + in_day * 1_000 + u64::from(number(20, 23).unsigned_abs())))
    }
}

as_text!(Timestamp);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_time_are_written_and_read() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_790_000_001_001, "2026-09-21T14:13:21.001Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (Timestamp::MAX.as_millis(), "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp::from_millis(millis)));
        }
        assert_eq!(Timestamp::from_secs(u64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::default().since(Timestamp::MAX), Duration::ZERO);
    }

    #[test]
    fn other_spellings_are_refused() {
        for odd in [
            "2026-09-21T14:13:21Z",
            "2026-09-21T14:13:21.0010Z",
            "2026-09-21t14:13:21.001Z",
            "2026-09-21T14:13:21.001z",
            "2026-09-21 14:13:21.001Z",
            "2026-09-21T14:13:21.001+00:00",
            "2026-02-29T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-00-01T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T23:59:60.000Z",
            "1969-12-31T23:59:59.999Z",
            "+026-09-21T14:13:21.001Z",
            "",
        ] {
            assert_eq!(odd.parse::<Timestamp>(), Err(InvalidTime), "{odd}");
        }
    }
}
