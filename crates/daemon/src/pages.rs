//! The files of the UI, as they were built.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{StatusCode, Uri};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Pages;

/// A file; the UI's own paths are behind `#` and never come here.
pub(crate) async fn page(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let Some(file) = Pages::get(path) else {
        let text = if Pages::get("index.html").is_some() {
            "There is no such page.\n"
        } else {
            "This build has no pages: run `npm run build` in ui/ and build again.\n"
        };
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    // Files under assets/ have their content's hash in their name.
    let lifetime = if path.starts_with("assets/") { "max-age=31536000, immutable" } else { "no-cache" };
    let kind = file.metadata.mimetype().to_owned();
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, lifetime.to_owned())], file.data).into_response()
}
