//! What the pages may ask about other machines: which there are, and to add one, show it, trust its certificate anew and forget it.

use drawbridge_remote::view::{MachineAdded, MachineForgotten, MachineMet, Machines};
use tauri::ipc::{Channel, JavaScriptChannelId};
use tauri::{State, Webview, async_runtime};

use crate::provider::Refused;
use crate::shell::{Feed, Shell};

/// Sends all machines into `changes`, now and whenever something of them changes, until the pages ask anew or are gone.
#[tauri::command]
pub(crate) async fn machines(
    shell: State<'_, Shell>,
    webview: Webview,
    changes: JavaScriptChannelId,
) -> Result<(), Refused> {
    let (machines, pages): (_, Channel<Machines>) = (shell.machines().clone(), changes.channel_on(webview));
    let feed = async move {
        let mut changes = machines.changes();
        while pages.send(machines.list()).is_ok() && changes.changed().await.is_ok() {}
    };
    shell.feed_pages(Feed::Machines, shell.turn(), async_runtime::spawn(feed));
    Ok(())
}

/// What is found where `link` leads to.
#[tauri::command]
pub(crate) async fn look_at_machine(shell: State<'_, Shell>, link: String) -> Result<MachineMet, Refused> {
    Ok(shell.machines().look_at(&link).await?)
}

/// Adds the machine that `link` leads to, where it shows the certificate with the fingerprint that was `confirmed`; in the place of the
/// machine `replaces`.
#[tauri::command]
pub(crate) async fn add_machine(
    shell: State<'_, Shell>,
    link: String,
    confirmed: Option<String>,
    replaces: Option<String>,
) -> Result<MachineAdded, Refused> {
    Ok(shell.machines().add(&link, confirmed.as_deref(), replaces.as_deref()).await?)
}

/// Has the window show the machine `id` when it is opened next; without one, this computer's own provider.
#[tauri::command(async)]
pub(crate) fn show_machine(shell: State<'_, Shell>, id: Option<String>) -> Result<(), Refused> {
    Ok(shell.machines().show(id.as_deref())?)
}

/// Takes the certificate with that fingerprint for that of the machine `id`.
#[tauri::command(async)]
pub(crate) fn trust_machine(shell: State<'_, Shell>, id: String, fingerprint: String) -> Result<(), Refused> {
    Ok(shell.machines().trust(&id, &fingerprint)?)
}

/// Tries the machine `id` now, where it is not heard.
#[tauri::command(async)]
pub(crate) fn retry_machine(shell: State<'_, Shell>, id: String) -> Result<(), Refused> {
    shell.machines().get(&id)?.retry();
    Ok(())
}

/// Forgets the machine `id`.
#[tauri::command]
pub(crate) async fn forget_machine(shell: State<'_, Shell>, id: String) -> Result<MachineForgotten, Refused> {
    Ok(shell.machines().forget(&id).await?)
}

/// Which of the sessions at the machine `id` is that of this program.
#[tauri::command]
pub(crate) async fn machine_session(shell: State<'_, Shell>, id: String) -> Result<String, Refused> {
    Ok(shell.machines().get(&id)?.own_session().await?)
}
