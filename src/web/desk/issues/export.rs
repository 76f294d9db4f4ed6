//! Issues as Markdown: what is taken along is read again to the same.

use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::{Answer, Visit, current, month_of};
use crate::archive;
use crate::import;

/// One month, as it is written now.
pub(super) async fn one(visit: Visit, Path(month): Path<String>) -> Answer {
    let month = month_of(&month)?;
    let mut tx = visit.read().await?;
    let current = current(&mut tx, month).await?;
    let text = import::markdown(&current.text.issue(month));
    Ok(file(&format!("{month}.md"), text))
}

/// The whole archive in one file, the oldest first.
pub(super) async fn all(visit: Visit) -> Answer {
    let mut tx = visit.read().await?;
    let issues = archive::all(&mut tx).await?;
    let written: Vec<_> = issues.iter().map(archive::as_written).collect();
    Ok(file("issues.md", import::archive(&written)))
}

fn file(name: &str, text: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/markdown; charset=utf-8"),
        ),
        (
            CONTENT_DISPOSITION,
            HeaderValue::from_str(&disposition).expect("a month is plain text"),
        ),
    ];
    (headers, text).into_response()
}
