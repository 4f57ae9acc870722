//! What may be done, and the random numbers that make a script of it.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// What is done; who does it, where and to whom is up to the picks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One says something.
    Talk,
    /// One says ten things in a row.
    Burst,
    /// One asks another for a connection.
    Connect,
    /// An operator decides on what waits.
    Decide,
    /// An operator ends a connection.
    End,
    /// One makes a group.
    Create,
    /// One asks to add another.
    Add,
    /// One adds its other clients.
    AddOwn,
    /// An admin removes another.
    Remove,
    /// One leaves.
    Leave,
    /// One renews its keys.
    Renew,
    /// An admin gives the group another name.
    Rename,
    /// An admin makes another an admin.
    Promote,
    /// Two commit at once, while a third talks.
    AtOnce,
    /// One loses a group's state, and joins anew.
    JoinAnew,
    /// A client is killed, and starts again.
    Crash,
    /// A provider is killed with its clients, and starts again some actions later.
    Kill,
    /// The way to a provider is cut, and heals some actions later.
    Cut,
}

/// An action of a script.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Action {
    pub(crate) kind: Kind,
    /// What is picked among those who can be meant then: who, where, whom, and how.
    pub(crate) who: usize,
    pub(crate) place: usize,
    pub(crate) whom: usize,
    pub(crate) how: usize,
    /// How long until the next one.
    pub(crate) pause: Duration,
}

/// How often what happens while people get to know each other.
const AT_FIRST: &[(Kind, u32)] =
    &[(Kind::Connect, 50), (Kind::Decide, 30), (Kind::Create, 10), (Kind::Add, 15), (Kind::Talk, 10)];

/// How often what happens from then on.
const THEN: &[(Kind, u32)] = &[
    (Kind::Talk, 420),
    (Kind::Burst, 25),
    (Kind::Connect, 40),
    (Kind::Decide, 120),
    (Kind::End, 4),
    (Kind::Create, 12),
    (Kind::Add, 130),
    (Kind::AddOwn, 15),
    (Kind::Remove, 20),
    (Kind::Leave, 18),
    (Kind::Renew, 40),
    (Kind::Rename, 20),
    (Kind::Promote, 20),
    (Kind::AtOnce, 60),
    (Kind::JoinAnew, 8),
    (Kind::Crash, 12),
    (Kind::Kill, 10),
    (Kind::Cut, 14),
];

/// The longest pause between two actions.
const PAUSE_MS: u64 = 30;

/// The script of a seed.
pub(crate) fn script(seed: u64, actions: usize) -> Vec<Action> {
    let mut random = SmallRng::seed_from_u64(seed);
    (0..actions)
        .map(|number| {
            let table = if number < actions / 10 { AT_FIRST } else { THEN };
            Action {
                kind: roll(&mut random, table),
                who: pick(&mut random),
                place: pick(&mut random),
                whom: pick(&mut random),
                how: pick(&mut random),
                pause: Duration::from_millis(random.random_range(0..PAUSE_MS)),
            }
        })
        .collect()
}

fn pick(random: &mut SmallRng) -> usize {
    random.random_range(0..1_000_000)
}

fn roll(random: &mut SmallRng, table: &[(Kind, u32)]) -> Kind {
    let mut rest = random.random_range(0..table.iter().map(|(_, often)| often).sum());
    for (kind, often) in table {
        if rest < *often {
            return *kind;
        }
        rest -= often;
    }
    unreachable!("the random fall within the table")
}
