//! A provider that the window can show: this computer's own, or one on another machine. Both are asked and followed alike.

use drawbridge_admin::{AdminError, EventEnvelope, Host, Subscription, commands};
use drawbridge_remote::view::{Step, Unusable};
use drawbridge_remote::{Following, Machine, Refusal, Told};
use serde::Serialize;
use serde_json::{Value, json};

/// A provider that the window can show; cheap to clone.
#[derive(Clone)]
pub(crate) enum Provider {
    /// This computer's own.
    Here(Host),
    /// One on another machine.
    Elsewhere(Machine),
}

/// What happens at a provider.
pub(crate) enum Happenings {
    Here(Subscription),
    Elsewhere(Following),
}

/// Why something was not done, in the one shape that the pages know: `{code, detail}`, and of another machine the step that failed.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Refused {
    /// The provider says so.
    Provider(AdminError),
    /// Another machine cannot be used.
    Elsewhere { code: &'static str, detail: String, fault: Box<Unusable> },
    /// There is no provider to ask.
    Shell { code: &'static str, detail: String },
}

impl Provider {
    /// Has it carry out `command`.
    pub(crate) async fn call(&self, command: &str, request: Value) -> Result<Value, Refused> {
        match self {
            Self::Here(host) => Ok(commands::call(host, command, request).await?),
            Self::Elsewhere(machine) => Ok(machine.call(command, &request).await?),
        }
    }

    /// Follows what happens there: behind `after` (incarnation and cursor), where that is said, and it is this computer's own; else from
    /// now on.
    pub(crate) fn follow(&self, after: Option<(String, u64)>) -> Happenings {
        match self {
            Self::Here(host) => Happenings::Here(host.subscribe(after)),
            Self::Elsewhere(machine) => Happenings::Elsewhere(machine.follow()),
        }
    }

    /// How much waits there for the operator; nothing, while there is no provider. None where it cannot be asked.
    pub(crate) async fn count_waiting(&self) -> Option<u32> {
        match self {
            Self::Here(host) => {
                let status = commands::call(host, "status", json!({})).await.ok()?;
                let of = |name| status["node"][name].as_u64().unwrap_or(0);
                let waiting = ["waiting_providers", "waiting_connections", "waiting_additions"].map(of);
                Some(u32::try_from(waiting.iter().sum::<u64>()).unwrap_or(u32::MAX))
            }
            Self::Elsewhere(machine) => machine.look().await.ok(),
        }
    }

    /// The machine that it is on, where that is another one.
    pub(crate) fn machine(&self) -> Option<&Machine> {
        match self {
            Self::Here(_) => None,
            Self::Elsewhere(machine) => Some(machine),
        }
    }
}

impl Happenings {
    /// What is told next; none once the machine was forgotten.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        match self {
            Self::Here(subscription) => Some(Told::Event(subscription.next().await.into())),
            Self::Elsewhere(following) => following.next().await,
        }
    }
}

impl From<AdminError> for Refused {
    fn from(refused: AdminError) -> Self {
        Self::Provider(refused)
    }
}

impl From<Unusable> for Refused {
    fn from(fault: Unusable) -> Self {
        // The two that the pages tell apart: a session is had again by a link, anything else may pass.
        let code = if fault.step == Step::Session { "session-ended" } else { "unreachable" };
        Self::Elsewhere { code, detail: fault.detail.clone(), fault: fault.into() }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Refused(refused) => refused.into(),
            Refusal::Unusable(fault) => fault.into(),
        }
    }
}

/// What the pages are told of what happens.
#[derive(Clone, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum ToPages {
    /// The provider is heard from now on.
    Opened,
    /// Something happened.
    Event { envelope: Box<EventEnvelope> },
    /// It is not heard, and is tried again.
    Lost { fault: Refused },
}

impl From<Told> for ToPages {
    fn from(told: Told) -> Self {
        match told {
            Told::Opened => Self::Opened,
            Told::Event(envelope) => Self::Event { envelope },
            Told::Lost(fault) => Self::Lost { fault: fault.into() },
        }
    }
}
