//! Groups whose owner takes nothing for them now, and which rest while its other groups go on.

use std::collections::{HashMap, HashSet};

use drawbridge_mtp::id::{GroupUri, Provider};
use tokio::time::Instant;

use crate::ambient::Ambient;
use crate::peers::{Backoff, Signs};

/// The groups that rest, each with its own backoff.
pub(super) struct PutOff<'a> {
    signs: &'a Signs,
    owner: &'a Provider,
    groups: HashMap<GroupUri, (Backoff<'a>, Instant)>,
}

impl<'a> PutOff<'a> {
    pub(super) fn new(signs: &'a Signs, owner: &'a Provider) -> Self {
        Self { signs, owner, groups: HashMap::new() }
    }

    /// The owner puts `group` off.
    pub(super) fn rest(&mut self, ambient: &dyn Ambient, group: &GroupUri) {
        let now = Instant::now();
        let fresh = || (Backoff::new(self.signs, self.owner), now);
        let (backoff, until) = self.groups.entry(group.clone()).or_insert_with(fresh);
        *until = now + backoff.failed(ambient, None);
    }

    /// The owner has taken something for `group`, or refused it.
    pub(super) fn go_on(&mut self, group: &GroupUri) {
        self.groups.remove(group);
    }

    /// Whether the owner puts none off.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// All are tried at once.
    pub(super) fn try_all(&mut self) {
        let now = Instant::now();
        self.groups.values_mut().for_each(|(_, until)| *until = now);
    }

    /// The groups that rest now.
    pub(super) fn resting(&self) -> HashSet<GroupUri> {
        let now = Instant::now();
        self.groups.iter().filter(|(_, (_, until))| *until > now).map(|(group, _)| group.clone()).collect()
    }

    /// Returns when the next of them has rested; never where none rests.
    pub(super) async fn next(&self) {
        let now = Instant::now();
        match self.groups.values().map(|(_, until)| *until).filter(|until| *until > now).min() {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;
    use crate::ambient::System;

    #[tokio::test(start_paused = true)]
    async fn a_group_rests_by_itself_and_longer_each_time() {
        let (signs, owner) = (Signs::new(), "a.example".parse().unwrap());
        let mut put_off = PutOff::new(&signs, &owner);
        let group: GroupUri = "mimi://a.example/g/tea".parse().unwrap();
        for _ in 0..20 {
            put_off.rest(&System, &group);
            tokio::time::timeout(Duration::from_secs(61), async {
                while put_off.resting().contains(&group) {
                    put_off.next().await;
                }
            })
            .await
            .expect("a minute is the longest");
        }
        put_off.rest(&System, &group);
        put_off.try_all();
        assert!(put_off.resting().is_empty());
        put_off.go_on(&group);
        assert!(put_off.next().now_or_never().is_none());
    }
}
