//! What the name servers of this computer say of a name. The node itself asks the system, which may know more (a table of
//! hosts, a local network's names): this is evidence beside that, and no verdict hangs on it alone.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{Resolver, system_conf};

use super::report::Evidence;

/// So many name servers are asked, each by itself.
const SERVERS: usize = 3;
/// A name server that has not answered by then is said to be silent.
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// What the name servers said.
pub(super) struct Told {
    /// What each said.
    pub(super) evidence: Vec<Evidence>,
    /// Whether any has answered anything.
    pub(super) has_answer: bool,
}

/// Asks each name server of this computer for the addresses of `name`.
pub(super) async fn ask_name_servers(name: &str) -> Told {
    match system_conf::read_system_conf() {
        Ok((config, _)) => {
            ask(name, &config.name_servers().iter().take(SERVERS).cloned().collect::<Vec<_>>()).await
        }
        Err(fault) => {
            let evidence = vec![Evidence::new("name servers", format!("none is known here: {fault}"))];
            Told { evidence, has_answer: false }
        }
    }
}

async fn ask(name: &str, servers: &[NameServerConfig]) -> Told {
    let asked = servers.iter().map(async |server| {
        let kinds = [("A", RecordType::A), ("AAAA", RecordType::AAAA)];
        let answers = kinds.map(|(word, kind)| async move { (word, ask_one(name, server, kind).await) });
        (server.ip, join_all(answers).await)
    });
    let mut told = Told { evidence: Vec::new(), has_answer: false };
    for (server, answers) in join_all(asked).await {
        told.has_answer |= answers.iter().any(|(_, answer)| !matches!(answer, Answer::Silent(_)));
        let words: Vec<_> =
            answers.iter().map(|(word, answer)| format!("{word} {}", answer.words())).collect();
        told.evidence.push(Evidence::new("name server", format!("{server} says: {}", words.join("; "))));
    }
    told
}

/// What one name server said when it was asked for one kind of address.
enum Answer {
    /// These, and for how many seconds each may be remembered.
    Found(Vec<(IpAddr, u32)>),
    /// There is none.
    None,
    /// Nothing: why.
    Silent(String),
}

impl Answer {
    fn words(&self) -> String {
        match self {
            Self::Found(addresses) => {
                let told = addresses.iter().map(|(address, ttl)| format!("{address} (for {ttl} s)"));
                told.collect::<Vec<_>>().join(", ")
            }
            Self::None => "none".into(),
            Self::Silent(why) => format!("no answer ({why})"),
        }
    }
}

async fn ask_one(name: &str, server: &NameServerConfig, kind: RecordType) -> Answer {
    let config = ResolverConfig::from_name_servers(vec![server.clone()]);
    let mut options = ResolverOpts::default();
    (options.timeout, options.attempts, options.cache_size) = (ANSWER_TIME, 1, 0);
    options.use_hosts_file = ResolveHosts::Never;
    let built =
        Resolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options).build();
    let resolver = match built {
        Ok(resolver) => resolver,
        Err(fault) => return Answer::Silent(fault.to_string()),
    };
    // With the dot, no domain of this computer's is put behind it.
    let asked = tokio::time::timeout(ANSWER_TIME, resolver.lookup(format!("{name}."), kind)).await;
    match asked {
        Err(_) => Answer::Silent(format!("within {} s", ANSWER_TIME.as_secs())),
        Ok(Err(fault)) if fault.is_no_records_found() => Answer::None,
        Ok(Err(NetError::Timeout)) => Answer::Silent(format!("within {} s", ANSWER_TIME.as_secs())),
        Ok(Err(fault)) => Answer::Silent(fault.to_string()),
        Ok(Ok(found)) => {
            let addresses = found.answers().iter().filter_map(|record| {
                let address = match &record.data {
                    RData::A(address) => IpAddr::from(address.0),
                    RData::AAAA(address) => IpAddr::from(address.0),
                    _ => return None,
                };
                Some((address, record.ttl))
            });
            Answer::Found(addresses.collect())
        }
    }
}
