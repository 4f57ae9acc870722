//! From the providers' events to the tray and to notifications.

use std::collections::BTreeMap;
use std::time::Duration;

use drawbridge_admin::WaitingItem;
use drawbridge_admin::view::{Authorization, Connection, Event, RepairSeverity};
use drawbridge_remote::Told;
use drawbridge_remote::view::{Step, Unusable};
use tauri::async_runtime::JoinHandle;
use tauri::{AppHandle, Manager, async_runtime};
use tokio::time::{Instant, timeout_at};

use crate::provider::Provider;
use crate::shell::Shell;
use crate::waiting::Waiting;
use crate::window::{self, Screen};
use crate::words;
use crate::{notify, tray};

/// What comes within this time is told together.
const TOGETHER: Duration = Duration::from_millis(200);

/// Follows what happens at all providers, for as long as the program runs: at this computer's own from when it is open.
pub(crate) fn follow(app: &AppHandle) {
    let own = app.clone();
    async_runtime::spawn(async move {
        match own.state::<Shell>().provider(None).await {
            Ok(provider) => tell(&own, &provider).await,
            // Also where it was started with the computer: nobody would know otherwise.
            Err(_) => window::show(&own, Screen::Last),
        }
    });
    let app = app.clone();
    async_runtime::spawn(async move { follow_machines(&app).await });
}

/// Follows each of the other machines until it is forgotten.
async fn follow_machines(app: &AppHandle) {
    let machines = app.state::<Shell>().machines().clone();
    let mut changes = machines.changes();
    let mut followed: BTreeMap<String, JoinHandle<()>> = BTreeMap::new();
    loop {
        let all = machines.all();
        followed.retain(|id, task| {
            let is_there = all.iter().any(|machine| machine.id() == id);
            if !is_there {
                task.abort();
                tray::set_waiting(app, app.state::<Waiting>().set(Some(id), 0));
            }
            is_there
        });
        for machine in all {
            let (app, id) = (app.clone(), machine.id().to_owned());
            followed.entry(id).or_insert_with(|| {
                async_runtime::spawn(async move { tell(&app, &Provider::Elsewhere(machine)).await })
            });
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Tells what happens at `provider`.
async fn tell(app: &AppHandle, provider: &Provider) {
    let of = provider.machine().map(|machine| machine.id().to_owned());
    // It begins with a reload, and so with a count.
    let mut happenings = provider.follow(None);
    // Whether it was said that the machine needs a person.
    let mut is_said = false;
    loop {
        let mut batch = Batch::default();
        let Some(told) = happenings.next().await else { return };
        batch.hear(told);
        if !batch.is_news() {
            continue;
        }
        let until = Instant::now() + TOGETHER;
        while let Ok(Some(told)) = timeout_at(until, happenings.next()).await {
            batch.hear(told);
        }
        if batch.counts
            && let Some(count) = provider.count_waiting().await
        {
            tray::set_waiting(app, app.state::<Waiting>().set(of.as_deref(), count));
        }
        // Read only now: a machine that was added has said what it is called.
        let name = provider.machine().map(|machine| machine.name());
        let show = |told: words::Words, screen: fn(window::Of) -> Screen| {
            notify::show(app, words::of(name.as_deref(), told), screen(of.clone()));
        };
        for told in words::news(&batch.waiting) {
            show(told, Screen::Approvals);
        }
        for told in words::wrong(&batch.wrong) {
            show(told, Screen::Repairs);
        }
        if let Some(told) = words::low_stock(&batch.low) {
            show(told, Screen::Accounts);
        }
        match batch.lost {
            // What passes by itself needs nobody.
            Some(fault) if fault.step == Step::Session || fault.step == Step::Certificate => {
                if !std::mem::replace(&mut is_said, true) {
                    show(words::lost(&fault), Screen::Overview);
                }
            }
            Some(_) => {}
            None => is_said = false,
        }
    }
}

#[derive(Default)]
struct Batch {
    counts: bool,
    waiting: Vec<WaitingItem>,
    /// Clients that run out of KeyPackages.
    low: Vec<String>,
    /// What is wrong and of high severity, each in one sentence.
    wrong: Vec<String>,
    /// Why the machine is not heard.
    lost: Option<Unusable>,
}

impl Batch {
    fn is_news(&self) -> bool {
        self.counts || !self.low.is_empty() || !self.wrong.is_empty() || self.lost.is_some()
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::Event(envelope) => self.take(envelope.event),
            Told::Opened => {
                self.counts = true;
                self.lost = None;
            }
            Told::Lost(fault) => self.lost = Some(fault),
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Waiting { provider, connection } => {
                self.counts = true;
                self.waiting.push(match connection {
                    Some(Connection { from, to, .. }) => {
                        WaitingItem::Connection { from: from.to_string(), to: to.to_string() }
                    }
                    None => WaitingItem::Provider(provider.to_string()),
                });
            }
            Event::AdditionWaiting { addition: Authorization { adder, user, group, group_name, .. } } => {
                self.counts = true;
                self.waiting.push(WaitingItem::Addition {
                    adder: adder.to_string(),
                    user: user.to_string(),
                    group: group_name.unwrap_or_else(|| group.to_string()),
                });
            }
            Event::RepairRaised { repair } if repair.severity == RepairSeverity::High => {
                self.wrong.push(repair.text);
            }
            Event::StockLow { client } => self.low.push(client.to_string()),
            Event::Approvals | Event::Reload => self.counts = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_where_it_is_of_high_severity() {
        let raised = |severity: &str| -> Event {
            let repair = serde_json::json!({
                "id": "01900000-0000-7000-8000-000000000001", "subject": {"type": "node"}, "kind": "store",
                "code": "disk-full", "stage": null, "severity": severity, "side": "ours", "text": "The disk is full.",
                "suffers": {"groups": 0, "users": 0, "submissions": 0}, "since": "2026-01-01T00:00:00.000Z",
                "raised": "2026-01-01T00:00:00.000Z", "seen": "2026-01-01T00:00:00.000Z", "gone": null, "ignored": false,
                "ignored_at": null
            });
            serde_json::from_value(serde_json::json!({"type": "repair-raised", "repair": repair})).unwrap()
        };
        let mut batch = Batch::default();
        batch.take(raised("medium"));
        assert!(batch.wrong.is_empty());
        batch.take(raised("high"));
        assert_eq!(batch.wrong, ["The disk is full."]);
    }

    #[test]
    fn low_stock_is_told_without_a_count() {
        let client = "mimi://a.example/u/alice/d/phone";
        let mut batch = Batch::default();
        batch.take(Event::StockLow { client: client.parse().unwrap() });
        assert!(!batch.counts);
        assert_eq!(batch.low, [client]);
        batch.take(Event::Approvals);
        assert!(batch.counts);
    }
}
