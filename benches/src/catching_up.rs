//! A node that was away takes in what it has missed.

use std::time::Instant;

use drawbridge_node::store::{Reader, StoreFault};

use crate::baseline;
use crate::outcome::Outcome;
use crate::setup::{Setup, until};
use crate::table::{Row, Target};

const ITEMS: u32 = 100_000;
const PAGE: u32 = 1_000;

/// Items a second, of a hundred thousand.
pub(crate) async fn measure(setup: &Setup) -> Outcome<Vec<Row>> {
    eprintln!("catching up");
    let (alpha, beta, body) = setup.pair("catching-up").await?;
    let source = alpha.provider().clone();
    beta.operator().pause_peer(source.clone(), true).await?;
    until(async || Ok(!alpha.operator().is_pulled_by(beta.provider()))).await?;
    let mut head = 0;
    for _ in 0..ITEMS / PAGE {
        let (reader, body) = (Reader::Peer(beta.provider().clone()), body.clone());
        let appended: Result<u64, StoreFault> =
            alpha.store().write(move |tx| (0..PAGE).try_fold(0, |_, _| tx.append(&reader, &body))).await;
        head = appended?;
    }
    let began = Instant::now();
    beta.operator().pause_peer(source.clone(), false).await?;
    until(async || {
        let source = source.clone();
        let cursor: Result<_, StoreFault> = beta.store().read(move |view| view.cursor(&source)).await;
        Ok(cursor?.is_some_and(|cursor| cursor.seq >= head))
    })
    .await?;
    let figure = f64::from(ITEMS) / began.elapsed().as_secs_f64();
    alpha.stop().await;
    beta.stop().await;
    let limit = baseline::pages(setup, usize::try_from(PAGE)?, usize::try_from(ITEMS)?).await?;
    Ok(vec![Row {
        what: "catching up on 100,000 items".into(),
        target: Some(Target::AtLeast(20_000.0)),
        figure,
        unit: "items/s",
        limit: (limit, "as much JSON over axum and rustls, 1,000 rows a transaction"),
    }])
}
