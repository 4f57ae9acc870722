//! What happens at a provider on another machine, for as long as it is kept: a connection that breaks is made anew as often as it takes.

use std::time::Duration;

use drawbridge_admin::EventEnvelope;
use tokio::sync::watch;

use crate::events::Events;
use crate::fault::{Step, Unusable};
use crate::machine::Machine;

/// It is tried again after this, and then after twice as long each time.
const FIRST_REST: Duration = Duration::from_millis(500);
/// Up to this.
const LAST_REST: Duration = Duration::from_secs(10);
/// What a person has to do something about is tried so often: that person may do it at the other machine.
const REST_FOR_A_PERSON: Duration = Duration::from_secs(30);

/// No incarnation is longer.
const INCARNATION_LENGTH: usize = 64;

/// What a machine tells.
#[derive(Clone, Debug)]
pub enum Told {
    /// It is heard from now on.
    Opened,
    /// Something happened there.
    Event(Box<EventEnvelope>),
    /// It is not heard, and is tried again.
    Lost(Unusable),
}

/// The events of a machine.
pub struct Following {
    machine: Machine,
    /// How far in its stream it was heard.
    place: Option<String>,
    events: Option<Events>,
    rest: Option<Duration>,
    nudges: watch::Receiver<u64>,
}

impl Machine {
    /// Follows what happens there, from now on.
    pub fn follow(&self) -> Following {
        Following { machine: self.clone(), place: None, events: None, rest: None, nudges: self.nudges() }
    }
}

/// Where `told` stands in its stream, as it is asked for again; none where that is nothing that Drawbridge says.
fn place_of(told: &EventEnvelope) -> Option<String> {
    let is_said = told.incarnation.len() <= INCARNATION_LENGTH
        && told.incarnation.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet));
    is_said.then(|| format!("{}:{}", told.incarnation, told.cursor))
}

impl Following {
    /// What is told next; none once the machine was forgotten.
    pub async fn next(&mut self) -> Option<Told> {
        let forgotten = self.machine.forgotten().clone();
        tokio::select! {
            biased;
            () = forgotten.cancelled() => None,
            told = self.step() => Some(told),
        }
    }

    async fn step(&mut self) -> Told {
        if let Some(events) = &mut self.events {
            return match events.next().await {
                Ok(told) => {
                    (self.place, self.rest) = (place_of(&told), None);
                    Told::Event(told.into())
                }
                Err(fault) => {
                    self.events = None;
                    self.lose(fault)
                }
            };
        }
        if let Some(rest) = self.rest {
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                _ = self.nudges.changed() => {}
            }
        }
        // What was asked for until now is done by this try.
        self.nudges.mark_unchanged();
        match self.machine.events(self.place.as_deref()).await {
            Ok(events) => {
                // It rests as before until something was told: what only opens and ends is tried ever more seldom.
                self.events = Some(events);
                self.machine.note(None);
                Told::Opened
            }
            Err(fault) => self.lose(fault),
        }
    }

    fn lose(&mut self, fault: Unusable) -> Told {
        if fault.step == Step::Answer && self.events.is_none() {
            // It may be what it was asked for that is not understood there.
            self.place = None;
        }
        self.rest = Some(match (fault.step, self.rest) {
            (Step::Certificate | Step::Session, _) => REST_FOR_A_PERSON,
            (_, None) => FIRST_REST,
            (_, Some(rest)) => (rest * 2).min(LAST_REST),
        });
        self.machine.note(Some(fault.clone()));
        Told::Lost(fault)
    }
}
