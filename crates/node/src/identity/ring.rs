//! Our signing keys: the one that signs, the one that will, and those that did (section 3). What is due is told by the times
//! at which something was done, so it is the same after a restart and in a restored folder.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_mtp::keys::{PublicKey, SecretKey, Thumbprint};
use drawbridge_mtp::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::words::words;

/// A new key is in the document for so long before it signs: the 24 h of section 3, and an hour since clocks differ.
const PUBLISHED_BEFORE: Duration = Duration::from_secs(25 * 3600);
/// A key stays in the document for so long after it has signed last: grants and checkpoints hold for thirty days.
const PUBLISHED_AFTER: Duration = Duration::from_secs(31 * 24 * 3600);

/// For so long others may take our document as they have it.
pub(crate) const DOCUMENT_LIFETIME: Duration = Duration::from_secs(3600);

/// All keys that were ever ours, as the key file has them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRing {
    /// What signs.
    #[serde(with = "seed")]
    signs: Arc<SecretKey>,
    /// Since when it does; none where it was made before that was kept.
    since: Option<Timestamp>,
    /// What will sign next.
    next: Option<NextKey>,
    /// What has signed, the latest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<FormerKey>,
}

/// A key that is in the document and does not sign yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NextKey {
    #[serde(with = "seed")]
    key: Arc<SecretKey>,
    /// Since when it is in the document.
    published: Timestamp,
}

/// A key that does not sign any more. Nobody can sign with what is kept of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormerKey {
    /// From when on it signed, where that is known.
    since: Option<Timestamp>,
    /// When it ceased to.
    until: Timestamp,
    standing: Standing,
    key: PublicKey,
}

words! {
    /// What one of our keys is for.
    Standing {
        /// It is in the document, and will sign.
        Next = "next",
        /// It signs.
        Signs = "signs",
        /// It is in the document, since what it has signed still holds.
        Published = "published",
        /// It has left the document; what we ourselves have said with it is still known as ours.
        Past = "past",
        /// Others may have it: it left the document at once, and nothing that it signed counts here.
        Revoked = "revoked",
    }
}

/// One of our keys, as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnKey {
    /// Its name.
    pub kid: Thumbprint,
    /// What it is for.
    pub standing: Standing,
    /// From when on it signed, or will; none where that is not known.
    pub since: Option<Timestamp>,
    /// When it ceased to sign, where it has.
    pub until: Option<Timestamp>,
    /// When it leaves the document, where that is to be expected.
    pub leaves: Option<Timestamp>,
}

/// A step of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A new key comes into the document.
    Publish,
    /// The new key signs.
    Sign,
    /// A key that has signed leaves the document.
    Retire,
}

/// There is no such key, or it was revoked before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRevoked {
    /// None of our keys has that name.
    #[error("none of this provider's keys has the fingerprint {0}; the command keys lists them")]
    Unknown(Thumbprint),
    /// It is revoked already.
    #[error("the key {0} is revoked already")]
    Already(Thumbprint),
}

impl KeyRing {
    /// The first key, which signs from `now` on.
    pub fn new(key: SecretKey, now: Timestamp) -> Self {
        Self { since: Some(now), ..Self::from(key) }
    }

    /// The key that signs.
    pub fn signing(&self) -> &SecretKey {
        &self.signs
    }

    /// The keys of the document, the one that signs first.
    pub fn published(&self) -> Vec<PublicKey> {
        let next = self.next.iter().map(|next| next.key.public());
        let former = self.former.iter().filter(|former| former.standing == Standing::Published);
        let former = former.map(|former| former.key.clone());
        std::iter::once(self.signs.public()).chain(next).chain(former).collect()
    }

    /// Our key of that name, unless it was revoked: what it has signed is ours.
    pub fn get(&self, kid: &Thumbprint) -> Option<PublicKey> {
        let former = self.former.iter().filter(|former| former.standing != Standing::Revoked);
        let past = former.map(|former| former.key.clone());
        self.published().into_iter().chain(past).find(|key| key.thumbprint() == kid)
    }

    /// All of them: what will sign, what signs, what has signed.
    pub fn all(&self) -> Vec<OwnKey> {
        let next = self.next.as_ref().map(|next| OwnKey {
            kid: *next.key.public().thumbprint(),
            standing: Standing::Next,
            since: Some(next.published.plus(PUBLISHED_BEFORE)),
            until: None,
            leaves: None,
        });
        let signs = OwnKey {
            kid: *self.signs.public().thumbprint(),
            standing: Standing::Signs,
            since: self.since,
            until: None,
            leaves: None,
        };
        let former = self.former.iter().map(|former| OwnKey {
            kid: *former.key.thumbprint(),
            standing: former.standing,
            since: former.since,
            until: Some(former.until),
            leaves: (former.standing == Standing::Published).then(|| former.until.plus(PUBLISHED_AFTER)),
        });
        next.into_iter().chain([signs]).chain(former).collect()
    }

    /// Whether a new key is in the document that does not sign yet.
    pub fn is_changing(&self) -> bool {
        self.next.is_some()
    }

    /// Whether a new key is in the document for so long that whoever speaks with us has read it there.
    pub fn is_next_known(&self, now: Timestamp) -> bool {
        self.next.as_ref().is_some_and(|next| next.published.plus(DOCUMENT_LIFETIME) <= now)
    }

    /// The step that comes next, and when; a key that has signed for `every` is followed by another, and without it only on
    /// command. Of a key whose beginning is not known, that is at once.
    pub fn next_step(&self, every: Option<Duration>) -> Option<(Timestamp, Step)> {
        let publish = every.filter(|_| self.next.is_none()).map(|every| {
            (self.since.map_or(Timestamp::from_secs(0), |since| since.plus(every)), Step::Publish)
        });
        let sign = self.next.as_ref().map(|next| (next.published.plus(PUBLISHED_BEFORE), Step::Sign));
        let former = self.former.iter().filter(|former| former.standing == Standing::Published);
        let retire = former.map(|former| (former.until.plus(PUBLISHED_AFTER), Step::Retire));
        publish.into_iter().chain(sign).chain(retire).min_by_key(|(at, _)| *at)
    }

    /// Takes a step at `now`; `seed` is that of a new key.
    pub fn take(&mut self, step: Step, now: Timestamp, seed: [u8; 32]) {
        match step {
            Step::Publish if self.next.is_none() => {
                self.next = Some(NextKey { key: Arc::new(SecretKey::from_seed(seed)), published: now });
            }
            Step::Publish => {}
            Step::Sign => {
                if let Some(next) = self.next.take() {
                    self.follow(next.key, now, Standing::Published);
                }
            }
            Step::Retire => {
                let is_over = |former: &&mut FormerKey| {
                    former.standing == Standing::Published && former.until.plus(PUBLISHED_AFTER) <= now
                };
                self.former.iter_mut().filter(is_over).for_each(|former| former.standing = Standing::Past);
            }
        }
    }

    /// Revokes the key `kid` at `now`. Where that is the one that signs, the next one signs at once, or where there is none, a new
    /// one of `seed`, which nobody has been told of.
    pub fn revoke(&mut self, kid: &Thumbprint, now: Timestamp, seed: [u8; 32]) -> Result<(), NotRevoked> {
        if self.signs.public().thumbprint() == kid {
            let next = self.next.take().map(|next| next.key);
            let key = next.unwrap_or_else(|| Arc::new(SecretKey::from_seed(seed)));
            self.follow(key, now, Standing::Revoked);
            return Ok(());
        }
        if let Some(next) = self.next.take_if(|next| next.key.public().thumbprint() == kid) {
            let key = next.key.public();
            self.former.insert(0, FormerKey { key, since: None, until: now, standing: Standing::Revoked });
            return Ok(());
        }
        let former = self.former.iter_mut().find(|former| former.key.thumbprint() == kid);
        let former = former.ok_or(NotRevoked::Unknown(*kid))?;
        if former.standing == Standing::Revoked {
            return Err(NotRevoked::Already(*kid));
        }
        former.standing = Standing::Revoked;
        Ok(())
    }

    /// Has nothing be later than `now`, as where it was noted by a clock that was ahead; else a step would wait for as long as
    /// the clock was wrong. Returns whether something was.
    pub fn correct(&mut self, now: Timestamp) -> bool {
        let next = self.next.iter_mut().map(|next| &mut next.published);
        let former = self
            .former
            .iter_mut()
            .flat_map(|former| former.since.iter_mut().chain(std::iter::once(&mut former.until)));
        let mut is_corrected = false;
        for time in self.since.iter_mut().chain(next).chain(former).filter(|time| **time > now) {
            *time = now;
            is_corrected = true;
        }
        is_corrected
    }

    /// `key` signs from `now` on, and the one before it does not.
    fn follow(&mut self, key: Arc<SecretKey>, now: Timestamp, standing: Standing) {
        let before = std::mem::replace(&mut self.signs, key).public();
        let since = self.since.replace(now);
        self.former.insert(0, FormerKey { key: before, since, until: now, standing });
    }
}

impl From<SecretKey> for KeyRing {
    /// A key alone, of which it is not known since when it signs.
    fn from(key: SecretKey) -> Self {
        Self { signs: Arc::new(key), since: None, next: None, former: Vec::new() }
    }
}

/// A secret key as the text of its seed, base64url without padding.
pub(super) mod seed {
    use std::sync::Arc;

    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use drawbridge_mtp::keys::SecretKey;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    /// The key of a seed; none where the text is no seed.
    pub(in crate::identity) fn read(text: &str) -> Option<SecretKey> {
        let seed = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(SecretKey::from_seed(seed))
    }

    pub(super) fn serialize<S: Serializer>(key: &Arc<SecretKey>, to: S) -> Result<S::Ok, S::Error> {
        BASE64_URL_SAFE_NO_PAD.encode(key.seed()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<SecretKey>, D::Error> {
        let text = String::deserialize(from)?;
        read(&text).map(Arc::new).ok_or_else(|| D::Error::custom("not the seed of an Ed25519 key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_800_000_000);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn ring() -> KeyRing {
        KeyRing::new(SecretKey::from_seed([1; 32]), START)
    }

    fn kid(seed: u8) -> Thumbprint {
        *SecretKey::from_seed([seed; 32]).public().thumbprint()
    }

    fn published(ring: &KeyRing) -> Vec<Thumbprint> {
        ring.published().iter().map(|key| *key.thumbprint()).collect()
    }

    fn signing(ring: &KeyRing) -> Thumbprint {
        *ring.signing().public().thumbprint()
    }

    #[test]
    fn a_new_key_is_published_a_day_before_it_signs_and_the_old_one_a_month_after() {
        let mut ring = ring();
        assert_eq!(ring.next_step(None), None);
        assert_eq!(ring.next_step(Some(90 * DAY)), Some((START.plus(90 * DAY), Step::Publish)));
        let began = START.plus(90 * DAY);
        ring.take(Step::Publish, began, [2; 32]);
        assert_eq!((signing(&ring), published(&ring)), (kid(1), vec![kid(1), kid(2)]));
        let (at, step) = ring.next_step(Some(90 * DAY)).unwrap();
        assert!(step == Step::Sign && at >= began.plus(DAY), "{at}: {step:?}");
        ring.take(Step::Sign, at, [3; 32]);
        assert_eq!((signing(&ring), published(&ring)), (kid(2), vec![kid(2), kid(1)]));
        let (leaves, step) = ring.next_step(Some(90 * DAY)).unwrap();
        assert!(step == Step::Retire && leaves > at.plus(30 * DAY), "{leaves}: {step:?}");
        ring.take(Step::Retire, leaves, [3; 32]);
        assert_eq!(published(&ring), [kid(2)]);
        assert!(ring.get(&kid(1)).is_some(), "what we have said with it stays ours");
        assert_eq!(ring.next_step(Some(90 * DAY)), Some((at.plus(90 * DAY), Step::Publish)));
    }

    #[test]
    fn a_key_retires_when_its_own_time_is_over() {
        let mut ring = ring();
        for (seed, days) in [(2, 10), (3, 20)] {
            ring.take(Step::Publish, START.plus(days * DAY), [seed; 32]);
            ring.take(Step::Sign, START.plus((days + 2) * DAY), [0; 32]);
        }
        ring.take(Step::Retire, START.plus(44 * DAY), [0; 32]);
        assert_eq!(published(&ring), [kid(3), kid(2)]);
    }

    #[test]
    fn a_leaked_key_is_out_at_once_and_what_it_signed_counts_no_more() {
        let mut alone = ring();
        alone.revoke(&kid(1), START.plus(DAY), [9; 32]).unwrap();
        assert_eq!((signing(&alone), published(&alone)), (kid(9), vec![kid(9)]));
        assert!(alone.get(&kid(1)).is_none());
        assert_eq!(alone.revoke(&kid(1), START, [8; 32]), Err(NotRevoked::Already(kid(1))));
        assert_eq!(alone.revoke(&kid(5), START, [8; 32]), Err(NotRevoked::Unknown(kid(5))));
        assert_eq!(alone.all().last().unwrap().standing, Standing::Revoked);

        // Others know the next one already, so it takes over.
        let mut changing = ring();
        changing.take(Step::Publish, START, [2; 32]);
        changing.revoke(&kid(1), START.plus(DAY), [9; 32]).unwrap();
        assert_eq!((signing(&changing), changing.is_changing()), (kid(2), false));

        let mut changing = ring();
        changing.take(Step::Publish, START, [2; 32]);
        changing.revoke(&kid(2), START.plus(DAY), [9; 32]).unwrap();
        assert_eq!((signing(&changing), published(&changing)), (kid(1), vec![kid(1)]));
    }

    #[test]
    fn what_a_clock_noted_that_was_ahead_waits_for_no_longer_than_it_has_to() {
        let mut ring = ring();
        ring.take(Step::Publish, START.plus(200 * DAY), [2; 32]);
        assert!(ring.correct(START.plus(DAY)) && !ring.correct(START.plus(DAY)));
        assert_eq!(ring.next_step(None), Some((START.plus(DAY).plus(PUBLISHED_BEFORE), Step::Sign)));
        assert_eq!(ring.since, Some(START));
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let mut ring = ring();
        ring.take(Step::Publish, START, [2; 32]);
        ring.take(Step::Sign, START.plus(2 * DAY), [0; 32]);
        ring.take(Step::Publish, START.plus(3 * DAY), [3; 32]);
        let read: KeyRing = toml::from_str(&toml::to_string(&ring).unwrap()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{ring:?}"));
    }
}
