//! What the pages may ask of a provider: one command, which reaches every command of `drawbridge-admin`, at this computer's own
//! provider or at one on another machine.

use serde::Deserialize;
use serde_json::Value;
use tauri::ipc::{Channel, JavaScriptChannelId};
use tauri::{State, Webview, async_runtime};

use crate::provider::{Provider, Refused, ToPages};
use crate::shell::{Feed, Shell};

/// The place in the stream of events that the pages had reached.
#[derive(Deserialize)]
struct After {
    incarnation: String,
    cursor: u64,
}

/// What is asked together with a channel for events.
#[derive(Deserialize)]
struct Follow {
    #[serde(default)]
    after: Option<After>,
}

/// Asks the provider on `machine`, or this computer's own without one, `command` with `request`.
///
/// With `events`, the command is `subscribe` and its request `{after?: {incarnation, cursor}}`: what happens from
/// there on is sent into the channel until the pages ask anew or are gone.
#[tauri::command]
pub(crate) async fn admin(
    shell: State<'_, Shell>,
    webview: Webview,
    machine: Option<String>,
    command: String,
    request: Value,
    events: Option<JavaScriptChannelId>,
) -> Result<Value, Refused> {
    // Before it waits for a provider that is still opening: the pages may show another one by then.
    let turn = shell.turn();
    let provider = shell.provider(machine.as_deref()).await?;
    let Some(events) = events else { return provider.call(&command, request).await };

    let Follow { after } = serde_json::from_value(request)
        .map_err(|error| Refused::Shell { code: "bad-request", detail: error.to_string() })?;
    let events: Channel<ToPages> = events.channel_on(webview);
    let mut happenings = provider.follow(after.map(|after| (after.incarnation, after.cursor)));
    // One on another machine says itself when it is heard.
    let is_heard = matches!(provider, Provider::Here(_));
    let feed = async move {
        if is_heard && events.send(ToPages::Opened).is_err() {
            return;
        }
        while let Some(told) = happenings.next().await {
            if events.send(told.into()).is_err() {
                return;
            }
        }
    };
    shell.feed_pages(Feed::Events, turn, async_runtime::spawn(feed));
    Ok(Value::Null)
}
