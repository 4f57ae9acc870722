//! When nothing is left to do.

use std::collections::HashSet;
use std::time::Duration;

use drawbridge_client::Standing;
use drawbridge_mtp::id::{GroupUri, Provider};
use drawbridge_mtp::message::ItemBody;
use drawbridge_node::store::{Addition, Connection, Reader, Standing as GroupStanding, StoreFault, View};
use drawbridge_testkit::DesktopApp;

use crate::script::apps::ThreeApps;
use crate::script::run::decides_all;

/// How long it may take until all has settled. It only matters where it never is.
const WAIT_LIMIT: Duration = Duration::from_secs(100);
/// Not everything that is waited for is announced, such as what a peer acknowledges.
const LOOK_EVERY: Duration = Duration::from_millis(150);

/// Returns when nothing is left to do anywhere: operators agree to everything that waits, and what is on its way
/// arrives. An error says what is not done.
///
/// One look around does not tell: what is on its way may come to where it looked before. Two do, where nothing was put
/// behind any feed or log between them.
pub(crate) async fn wait(setup: &ThreeApps) -> Result<(), String> {
    let mut news = setup.news();
    let mut left = String::new();
    let mut before = None;
    let settling = async {
        loop {
            news.borrow_and_update();
            for app in &setup.apps {
                let node = app.test_node().node();
                app.does(async move { decides_all(&node, |_| true).await }).await;
            }
            let looked = look(setup).await;
            match &looked {
                Err(what) => left.clone_from(what),
                Ok(ends) if before.as_ref() == Some(ends) => return,
                Ok(_) => "something has happened just now".clone_into(&mut left),
            }
            before = looked.ok();
            let _ = tokio::time::timeout(LOOK_EVERY, news.changed()).await;
        }
    };
    match tokio::time::timeout(WAIT_LIMIT, settling).await {
        Ok(()) => Ok(()),
        Err(_) => Err(format!("it never settles: {left}\n{}", told(setup).await)),
    }
}

/// Where every feed and log ends; or the first thing that is not done.
async fn look(setup: &ThreeApps) -> Result<Vec<u64>, String> {
    let mut ends = Vec::new();
    for app in &setup.apps {
        let (ours, peers) = (app.test_node().provider().clone(), peers_of(setup, app));
        let left = setup.reads(app, move |view| unsent(view, &peers)).await.ok_or("an app does not run")?;
        ends.extend(left.map_err(|what| format!("{ours}: {what}"))?);
    }
    for uri in &setup.clients {
        let app = setup.app(uri.provider());
        let client = app.built_in(uri).ok_or("an app does not run")?;
        let reader = Reader::Client(uri.clone());
        let read = setup.reads(app, move |view| end_of_read(view, &reader)).await;
        ends.push(read.ok_or("an app does not run")??);
        // What it has read may have given it something to do.
        let left = app.does(async move { client.left_to_do().await }).await;
        match setup.expects("looks what is left to do", left) {
            Some(left) if left.is_empty() => {}
            left => return Err(format!("{uri} is not at rest: {}", left.unwrap_or_default().join("; "))),
        }
    }
    for app in &setup.apps {
        for group in setup.reads(app, |view| view.groups()).await.ok_or("an app does not run")? {
            ends.extend([group.epoch, group.head]);
            if *group.owner() == *app.test_node().provider()
                && let Some(what) = behind(setup, app, &group.uri).await
            {
                return Err(what);
            }
        }
    }
    Ok(ends)
}

fn peers_of(setup: &ThreeApps, app: &DesktopApp) -> Vec<Provider> {
    let providers = setup.apps.iter().map(|app| app.test_node().provider().clone());
    providers.filter(|provider| provider != app.test_node().provider()).collect()
}

/// Where the feeds for `peers` end, where nothing more is to be brought to them, and nobody waits for an operator.
fn unsent(view: &View<'_>, peers: &[Provider]) -> Result<Result<Vec<u64>, String>, StoreFault> {
    let asks = |outgoing: bool, is_open: bool, unseen: bool| !outgoing && is_open && !unseen;
    if view.requests::<Connection>()?.iter().any(|row| asks(row.outgoing, row.is_open(), row.unseen))
        || view.requests::<Addition>()?.iter().any(|row| asks(row.outgoing, row.is_open(), row.unseen))
    {
        return Ok(Err("its operator has still to decide".into()));
    }
    let mut ends = Vec::new();
    for peer in peers {
        if !view.outbox(peer, &HashSet::new(), 1, u64::MAX)?.is_empty() {
            return Ok(Err(format!("its outbox for {peer} is not empty")));
        }
        if !view.unsent::<Connection>(peer)?.is_empty() || !view.unsent::<Addition>(peer)?.is_empty() {
            return Ok(Err(format!("requests to {peer} are not sent")));
        }
        match end_of_read(view, &Reader::Peer(peer.clone()))? {
            Ok(end) => ends.push(end),
            Err(what) => return Ok(Err(what)),
        }
    }
    Ok(Ok(ends))
}

/// Where a feed ends, if its reader has all of it.
fn end_of_read(view: &View<'_>, reader: &Reader) -> Result<Result<u64, String>, StoreFault> {
    let Some(place) = view.feed(reader)? else { return Ok(Ok(0)) };
    // That it is let in is for a peer to know, and no reason to pull again.
    let left = view.feed_slice(reader, place.acknowledged, 100, u64::MAX)?.items;
    if left.iter().all(|item| matches!(item.body, ItemBody::Peer { .. })) {
        return Ok(Ok(place.head));
    }
    Ok(Err(format!("the feed of {reader:?} is read up to {} of {}", place.acknowledged, place.head)))
}

/// Who does not have all of a group.
async fn behind(setup: &ThreeApps, owner: &DesktopApp, group: &GroupUri) -> Option<String> {
    let uri = group.clone();
    let at_owner = setup
        .reads(owner, move |view| {
            let Some(row) = view.group(&uri)? else { return Ok(None) };
            let members = view.members(row.id)?;
            let providers = view.providers_in(row.id)?;
            Ok(Some((row, members, providers)))
        })
        .await??;
    let (row, members, providers) = at_owner;
    for provider in providers.iter().filter(|provider| *provider != owner.test_node().provider()) {
        let uri = group.clone();
        let there = setup.reads(setup.app(provider), move |view| view.group(&uri)).await?;
        match there {
            Some(copy) if copy.standing == GroupStanding::Live && copy.head == row.head => {}
            Some(copy) => {
                return Some(format!(
                    "{group} is {:?} with {} of {} events at {provider}: {:?}",
                    copy.standing, copy.head, row.head, copy.fault
                ));
            }
            None => return Some(format!("{provider} knows nothing of {group}")),
        }
    }
    let alone = members.len() == 1;
    for member in members {
        let uri = member.member.client;
        let app = setup.app(uri.provider());
        let (client, name) = (app.built_in(&uri)?, group.clone());
        match app.does(async move { client.about(&name).await }).await? {
            Ok(about)
                if about.standing == Standing::Member
                    && (about.epoch, about.head) == (row.epoch, row.head) => {}
            // Nobody is there to take out the last one, who has left all the same.
            Ok(about) if about.standing == Standing::Left && alone => {}
            Ok(about) => {
                return Some(format!(
                    "{uri} is {:?} in {group}, at epoch {} and event {} of {} and {}: {:?}",
                    about.standing, about.epoch, about.head, row.epoch, row.head, about.trouble
                ));
            }
            Err(fault) => return Some(format!("{uri} is a member of {group}, but {fault}")),
        }
    }
    None
}

/// What there is to know where it never settles.
async fn told(setup: &ThreeApps) -> String {
    let mut text = String::new();
    for app in &setup.apps {
        let ours = app.test_node().provider();
        text += &format!("{ours}:\n");
        let peers = peers_of(setup, app);
        let left = setup.reads(app, move |view| {
            let mut left = Vec::new();
            for peer in &peers {
                left.extend(view.outbox(peer, &HashSet::new(), 100, u64::MAX)?.into_iter().map(|queued| {
                    format!(
                        "outbox: {} {} by {}",
                        queued.group, queued.submission.kind, queued.submission.sender
                    )
                }));
                left.extend(end_of_read(view, &Reader::Peer(peer.clone()))?.err());
            }
            for group in view.groups()? {
                left.push(format!(
                    "{} is {:?} at epoch {}, event {} {:?}",
                    group.uri, group.standing, group.epoch, group.head, group.fault
                ));
                let last = view.log_slice(&group, group.head.saturating_sub(4), group.head, 4, u64::MAX)?;
                left.extend(last.events.iter().map(|event| {
                    format!("  {} {} in {} by {}", event.seq, event.kind, event.epoch, event.sender)
                }));
            }
            for (peer, trouble) in view.latest_troubles(20)? {
                left.push(format!(
                    "{peer}: {} {} {} (over: {})",
                    trouble.stage, trouble.code, trouble.text, trouble.over
                ));
            }
            Ok(left)
        });
        text += &left.await.unwrap_or_default().join("\n  ");
        text += "\n";
    }
    for uri in &setup.clients {
        let app = setup.app(uri.provider());
        let Some(client) = app.built_in(uri) else { continue };
        let looked = app.does(async move { (client.left_to_do().await, client.conversations().await) }).await;
        let Some((left, Ok(conversations))) = looked else { continue };
        text += &format!("{uri}: left to do: {left:?}\n");
        for about in conversations {
            text += &format!(
                "  {} {:?} epoch {} event {} waiting {} asked {:?} {:?}\n",
                about.group,
                about.standing,
                about.epoch,
                about.head,
                about.waiting,
                about.asked,
                about.trouble
            );
        }
    }
    text
}
