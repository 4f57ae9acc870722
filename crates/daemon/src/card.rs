//! `card`: what others need to add the running provider.

use std::path::Path;
use std::process::ExitCode;

use drawbridge_admin::qr_lines;
use drawbridge_admin::view::OwnCard;
use serde_json::json;

use crate::ask::{not_running, send_to_running};
use crate::print::{answer, say};

/// Prints the card of the node in `folder`: the link, a QR code of it, and the fingerprints; as one JSON object where `as_json`.
pub(crate) async fn card(folder: &Path, as_json: bool) -> ExitCode {
    let told = match send_to_running(folder, "card", &json!({})).await {
        Some(Ok(told)) => told,
        Some(Err(refusal)) => return say(&refusal, 1),
        None => return not_running(folder),
    };
    if as_json {
        return answer(told).map_or_else(|code| code, |()| ExitCode::SUCCESS);
    }
    let card: OwnCard = match serde_json::from_value(told) {
        Ok(card) => card,
        Err(fault) => return say(&format!("the node's answer is not understood: {fault}"), 1),
    };
    let mut lines = qr_lines(&card.link).unwrap_or_default();
    lines.push(format!("\n{}\n", card.link));
    lines.push(format!("Fingerprint of the key:          {}", card.key));
    lines.extend(card.certificate.map(|own| format!("Fingerprint of the certificate:  {own}")));
    lines.iter().try_for_each(answer).map_or_else(|code| code, |()| ExitCode::SUCCESS)
}
