//! When a certificate is ordered: never more often than public directories allow, whatever fails, and however often the
//! program is started.

use std::time::Duration;

use drawbridge_mtp::time::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// After so many failures in a row it is waited for so long, in seconds, where the directory was not reached: that costs nobody
/// anything.
const PASSING: [u64; 7] = [30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR];
/// The same where it was. Let's Encrypt lets five validations an hour fail.
const REFUSED: [u64; 6] = [5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR];
/// A pause is longer by up to this part of itself, so that many do not come at once.
const JITTER: f64 = 0.2;
/// The longest pause.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(15 * HOUR);

/// So many orders are made in an hour at most, also where the operator has what failed tried at once.
const ORDERS: usize = 4;
const ORDERS_IN: Duration = Duration::from_secs(HOUR);

/// Where the directory does not say when, a certificate is renewed after this part of its lifetime: at two thirds, or a little
/// before.
const RENEWED_FROM: f64 = 0.62;
const RENEWED_UNTIL: f64 = 2.0 / 3.0;
/// However a directory says when, it is not renewed before a day, or a quarter of its lifetime where that is less, has gone by
/// since it was got, so that a directory that is wrong does not have us order without end; nor after this part.
const NOT_WITHIN: Duration = Duration::from_secs(24 * HOUR);
const NOT_AFTER: f64 = 0.9;

/// How long it is waited after the last of `failures` in a row, at least one; `fraction`, from 0 to 1, is chosen at random.
pub(super) fn pause(failures: u32, is_passing: bool, fraction: f64) -> Duration {
    let pauses: &[u64] = if is_passing { &PASSING } else { &REFUSED };
    let place = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX).min(pauses.len() - 1);
    Duration::from_secs(pauses[place]).mul_f64(1.0 + JITTER * fraction)
}

/// Until when no further order may be made, where `orders` were; the times of those that count are left in it.
pub(super) fn limited_until(orders: &mut Vec<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    // What a clock noted that was ahead says nothing.
    orders.retain(|at| *at <= now && now.since(*at) < ORDERS_IN);
    let first_that_counts = orders.len().checked_sub(ORDERS)?;
    Some(orders[first_that_counts].plus(ORDERS_IN))
}

/// When a certificate that holds from `begins` to `ends` is renewed where the directory does not say.
pub(super) fn renewal(begins: Timestamp, ends: Timestamp, fraction: f64) -> Timestamp {
    at_part(begins, ends, RENEWED_FROM + (RENEWED_UNTIL - RENEWED_FROM) * fraction)
}

/// When it is renewed where the directory says to do so between the two times of `window`, and it was got at `got`.
pub(super) fn renewal_within(
    window: [Timestamp; 2],
    fraction: f64,
    got: Timestamp,
    begins: Timestamp,
    ends: Timestamp,
) -> Timestamp {
    let earliest = got.plus(NOT_WITHIN.min(ends.since(begins) / 4));
    at_part(window[0], window[1], fraction).max(earliest).min(at_part(begins, ends, NOT_AFTER))
}

fn at_part(from: Timestamp, to: Timestamp, part: f64) -> Timestamp {
    from.plus(to.since(from).mul_f64(part.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn pauses_grow_and_end_at_the_longest() {
        for is_passing in [true, false] {
            let pauses: Vec<_> = (1..20).map(|failures| pause(failures, is_passing, 0.0)).collect();
            assert!(pauses.is_sorted() && pauses[0] < pauses[5]);
            assert!((1..20).all(|failures| pause(failures, is_passing, 1.0) <= LONGEST_PAUSE));
        }
        assert!(pause(3, false, 0.5) > pause(3, false, 0.0));
        // Of the orders that fail one after the other, fewer than five are in any hour.
        let in_an_hour =
            (1..20).map(|failures| pause(failures, false, 0.0)).scan(Duration::ZERO, |at, pause| {
                *at += pause;
                Some(*at)
            });
        assert!(in_an_hour.take_while(|at| *at <= ORDERS_IN).count() < ORDERS);
    }

    #[test]
    fn four_orders_are_made_in_an_hour() {
        let minute = |n: u64| Timestamp::from_secs(NOW.as_secs() - n * 60);
        let mut orders = vec![minute(70), minute(50), minute(40), minute(30)];
        assert_eq!(limited_until(&mut orders, NOW), None);
        orders.push(NOW);
        assert_eq!(limited_until(&mut orders, NOW), Some(minute(50).plus(ORDERS_IN)));
        assert_eq!(orders.len(), 4);
        let mut ahead = vec![NOW.plus(DAY); 9];
        assert_eq!((limited_until(&mut ahead, NOW), ahead.len()), (None, 0));
    }

    #[test]
    fn a_certificate_is_renewed_at_two_thirds_or_when_the_directory_says() {
        let (begins, ends) = (NOW, NOW.plus(90 * DAY));
        let [first, last] = [0.0, 1.0].map(|fraction| renewal(begins, ends, fraction));
        assert!(first >= NOW.plus(55 * DAY) && first < last);
        assert_eq!(last, NOW.plus(60 * DAY));
        let within = |from: u32, to: u32, fraction| {
            renewal_within([NOW.plus(from * DAY), NOW.plus(to * DAY)], fraction, NOW, begins, ends)
        };
        assert_eq!(within(20, 22, 0.5), NOW.plus(21 * DAY));
        assert_eq!(within(0, 0, 0.5), NOW.plus(DAY), "one that was just got is not renewed at once");
        assert_eq!(within(400, 500, 0.5), NOW.plus(81 * DAY), "it is renewed before its end");
    }
}
