//! Identifiers, ids, times, endpoints and queries: one spelling for each thing, and never a panic.

#![no_main]

use drawbridge_mtp::{
    document::Endpoint,
    id::{ClientUri, GroupUri, Id, Name, Provider, UserUri},
    keys::Thumbprint,
    message::{FeedQuery, LogQuery, PeeringQuery},
    octets::Hash32,
    time::Timestamp,
};
use libfuzzer_sys::fuzz_target;

fn one_spelling<T: std::str::FromStr + ToString>(text: &str) {
    if let Ok(read) = text.parse::<T>() {
        assert_eq!(read.to_string(), text);
    }
}

fuzz_target!(|text: &str| {
    one_spelling::<Name>(text);
    one_spelling::<Provider>(text);
    one_spelling::<UserUri>(text);
    one_spelling::<ClientUri>(text);
    one_spelling::<GroupUri>(text);
    one_spelling::<Endpoint>(text);
    one_spelling::<Id>(text);
    one_spelling::<Timestamp>(text);
    one_spelling::<Hash32>(text);
    one_spelling::<Thumbprint>(text);
    if let Ok(provider) = text.parse::<Provider>() {
        assert!(provider.port() > 0);
        let _ = provider.host();
    }
    if let Ok(client) = text.parse::<ClientUri>() {
        assert_eq!(
            ClientUri::new(&UserUri::new(client.provider(), client.user().name()), client.name()),
            client
        );
    }
    if let Ok(endpoint) = text.parse::<Endpoint>() {
        assert_eq!(format!("{}{}", endpoint.origin(), endpoint.path()), text);
    }
    if let Ok(query) = FeedQuery::parse(text) {
        assert_eq!(FeedQuery::parse(&query.to_query()), Ok(query));
    }
    if let Ok(query) = FeedQuery::parse_of_client(text) {
        assert_eq!(FeedQuery::parse_of_client(&query.to_query()), Ok(query));
    }
    if let Ok(query) = LogQuery::parse(text) {
        assert_eq!(LogQuery::parse(&query.to_query()), Ok(query));
    }
    let _ = PeeringQuery::parse(text);
});
