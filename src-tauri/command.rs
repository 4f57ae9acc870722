//! What the pages may call: one command, which reaches every command of `drawbridge-admin`.

use drawbridge_admin::{AdminError, EventEnvelope, commands};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tauri::ipc::{Channel, JavaScriptChannelId};
use tauri::{State, Webview, async_runtime};

use crate::shell::Shell;

/// Why a command was not carried out, in the one shape that the pages know: `{code, detail}`.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Refused {
    /// The provider says so.
    Provider(AdminError),
    /// There is no provider to ask.
    Shell { code: &'static str, detail: String },
}

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

/// Asks the provider `command` with `request`.
///
/// With `events`, the command is `subscribe` and its request `{after?: {incarnation, cursor}}`: what happens from
/// there on is sent into the channel until the pages ask anew or are gone.
#[tauri::command]
pub(crate) async fn admin(
    shell: State<'_, Shell>,
    webview: Webview,
    command: String,
    request: Value,
    events: Option<JavaScriptChannelId>,
) -> Result<Value, Refused> {
    let host =
        shell.host().await.map_err(|detail| Refused::Shell { code: "provider-not-running", detail })?;
    let Some(events) = events else {
        return commands::call(&host, &command, request).await.map_err(Refused::Provider);
    };

    let Follow { after } = serde_json::from_value(request)
        .map_err(|error| Refused::Shell { code: "bad-request", detail: error.to_string() })?;
    let events: Channel<EventEnvelope> = events.channel_on(webview);
    let mut news = host.subscribe(after.map(|after| (after.incarnation, after.cursor)));
    shell.feed_pages(Some(async_runtime::spawn(
        async move { while events.send(news.next().await).is_ok() {} },
    )));
    Ok(Value::Null)
}
