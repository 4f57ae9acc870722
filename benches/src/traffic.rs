//! What the traffic record costs: signed requests of a peer to a node that keeps the record on disk, and to the same node
//! without, in turns.

use std::time::{Duration, Instant};

use drawbridge_mtp::signature::{Signer, Stamp};
use drawbridge_node::config::Config;
use drawbridge_node::identity;
use futures_util::future::try_join_all;
use reqwest::Method;

use crate::outcome::Outcome;
use crate::setup::{self, Process, Setup, until_answered};
use crate::table::{Row, Target, quantile};

/// Turns of each.
const TURNS: usize = 9;
const TURN: Duration = Duration::from_secs(3);
const AT_A_TIME: usize = 16;
/// Of one peer in a second, so that no limit is met.
const NO_LIMIT: u32 = 1_000_000;

/// How fast, and the CPU time of the node for a thousand.
struct Cost {
    a_second: f64,
    cpu: f64,
}

/// The rate and the CPU time with the record, as a part of those without.
pub(crate) async fn measure(setup: &Setup) -> Outcome<Vec<Row>> {
    eprintln!("traffic record");
    let program = setup::daemon()?;
    let (alpha, beta, _) = setup.pair("traffic").await?;
    let key = identity::load_key(&beta.config().data_dir)?;
    let signer = Signer::new(beta.provider().clone(), key);
    let mut config = alpha.config().clone();
    (config.limits.peer_requests, config.limits.stranger_requests) = (NO_LIMIT, NO_LIMIT);
    alpha.stop().await;
    let mut pairs = Vec::new();
    for _ in 0..TURNS {
        config.traffic.keep_requests = 100_000;
        let with = asked(setup, &program, &config, &signer).await?;
        config.traffic.keep_requests = 0;
        pairs.push((with, asked(setup, &program, &config, &signer).await?));
    }
    beta.stop().await;
    // Each turn against the one beside it: what else the machine does comes and goes more slowly than that.
    let ratio = |of: fn(&Cost) -> f64| {
        quantile(&mut pairs.iter().map(|(with, without)| of(with) / of(without)).collect::<Vec<_>>(), 0.5)
    };
    let row = |what: &str, target, figure| Row {
        what: what.into(),
        target: Some(target),
        figure,
        unit: "",
        limit: (1.0, "the same node that keeps no traffic record, in turns with it"),
    };
    Ok(vec![
        row(
            "requests of a peer a second, with the traffic record",
            Target::AtLeast(0.97),
            ratio(|cost| cost.a_second),
        ),
        row("the same: CPU time of the node", Target::AtMost(1.03), ratio(|cost| cost.cpu)),
    ])
}

/// One turn, with a process of its own.
async fn asked(setup: &Setup, program: &std::path::Path, config: &Config, signer: &Signer) -> Outcome<Cost> {
    let file = setup.write(config)?;
    let process = Process::start(program, &["serve", "--config", &file.to_string_lossy()])?;
    let client = setup.client()?;
    let origin = format!("https://{}", config.provider);
    until_answered(&client, &format!("{origin}/.well-known/mtp"), Instant::now()).await?;
    let uri = format!("{origin}/mtp/v1/ping");
    let created = drawbridge_node::ambient::Ambient::now(&drawbridge_node::ambient::System).as_secs();
    let (began, before) = (Instant::now(), process.cpu()?);
    let askers = (0..AT_A_TIME).map(|asker| {
        let (client, uri) = (client.clone(), uri.as_str());
        async move {
            let mut count: u32 = 0;
            while began.elapsed() < TURN {
                let nonce = (u128::from(count) << 64 | asker as u128).to_be_bytes();
                let stamp = Stamp { created, lifetime_s: 120, nonce };
                let signed = signer.sign_request(&Method::GET, uri, &config.provider, None, stamp);
                client.get(uri).headers(signed.headers).send().await?.error_for_status()?.bytes().await?;
                count += 1;
            }
            Outcome::Ok(count)
        }
    });
    let count: u32 = try_join_all(askers).await?.into_iter().sum();
    let (took, used) = (began.elapsed(), process.cpu()? - before);
    let count = f64::from(count);
    Ok(Cost { a_second: count / took.as_secs_f64(), cpu: used.as_secs_f64() / count * 1000.0 })
}
