//! From the provider's events to the tray and to notifications.

use std::time::Duration;

use drawbridge_admin::view::{Authorization, Connection, Event, RepairSeverity};
use drawbridge_admin::{Host, WaitingItem, commands};
use tauri::{AppHandle, Manager, async_runtime};
use tokio::time::{Instant, timeout_at};

use crate::shell::Shell;
use crate::window::{self, Screen};
use crate::words;
use crate::{notify, tray};

/// What comes within this time is told together.
const TOGETHER: Duration = Duration::from_millis(200);

/// Follows what happens, from when the provider is open for as long as it runs.
pub(crate) fn follow(app: &AppHandle) {
    let app = app.clone();
    async_runtime::spawn(async move {
        match app.state::<Shell>().host().await {
            Ok(host) => tell(&app, &host).await,
            // Also where it was started with the computer: nobody would know otherwise.
            Err(_) => window::show(&app, Screen::Last),
        }
    });
}

async fn tell(app: &AppHandle, host: &Host) {
    // It begins with a reload, and so with a count.
    let mut news = host.subscribe(None);
    loop {
        let mut batch = Batch::default();
        batch.take(news.next().await.event);
        if !batch.counts && batch.low.is_empty() && batch.wrong.is_empty() {
            continue;
        }
        let until = Instant::now() + TOGETHER;
        while let Ok(next) = timeout_at(until, news.next()).await {
            batch.take(next.event);
        }
        if batch.counts {
            tray::set_waiting(app, count(host).await);
        }
        for words in words::news(&batch.waiting) {
            notify::show(app, words, Screen::Approvals);
        }
        for words in words::wrong(&batch.wrong) {
            notify::show(app, words, Screen::Repairs);
        }
        if let Some(words) = words::low_stock(&batch.low) {
            notify::show(app, words, Screen::Accounts);
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
}

impl Batch {
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

/// How much waits for the operator; nothing, while there is no provider.
async fn count(host: &Host) -> u32 {
    let status = match commands::call(host, "status", serde_json::json!({})).await {
        Ok(status) => status,
        Err(_) => return 0,
    };
    let of = |name| status["node"][name].as_u64().unwrap_or(0);
    let waiting = ["waiting_providers", "waiting_connections", "waiting_additions"].map(of);
    u32::try_from(waiting.iter().sum::<u64>()).unwrap_or(u32::MAX)
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
