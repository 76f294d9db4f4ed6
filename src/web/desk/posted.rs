//! What was sent with a form: its fields, and files.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use axum::body;
use axum::extract::{FromRequest, FromRequestParts, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use tempfile::NamedTempFile;

use super::route::Kind;
use super::{Desk, DeskError};

/// The field that shows that a form is ours.
pub(super) const TOKEN: &str = "token";

/// A form without files.
const MOST_FORM_BYTES: usize = 2 * 1024 * 1024;

/// All files of a form together.
const MOST_FILE_BYTES: usize = 256 * 1024 * 1024;

/// Fields of one form.
const MOST_FIELDS: usize = 2_000;

/// What was sent. Cheap to clone.
#[derive(Clone, Default)]
pub struct Posted(Arc<Sent>);

#[derive(Default)]
struct Sent {
    fields: Vec<(String, String)>,
    files: HashMap<String, File>,
}

/// A file that came with a form; it goes with the last `Posted` that has it.
pub struct File {
    /// As the browser called it: text to be shown, never a path.
    pub name: String,
    pub bytes: usize,
    file: NamedTempFile,
}

impl File {
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

impl Posted {
    /// The value of a field; empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        let field = self.0.fields.iter().find(|(given, _)| given == name);
        field.map_or("", |(_, value)| value)
    }

    /// All values of a field that may come several times.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.0.fields.iter().filter(|(given, _)| given == name);
        fields.map(|(_, value)| value.as_str()).collect()
    }

    /// Whether a field came, a button that was pressed for instance.
    pub fn has(&self, name: &str) -> bool {
        self.0.fields.iter().any(|(given, _)| given == name)
    }

    /// A file that is not empty.
    pub fn file(&self, name: &str) -> Option<&File> {
        self.0.files.get(name).filter(|file| file.bytes > 0)
    }

    /// Every field, in the order of the form.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.0.fields.iter();
        fields.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// What `enter` has read and looked at.
impl FromRequestParts<Desk> for Posted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Desk) -> Result<Posted, Infallible> {
        let posted = parts.extensions.get::<Arc<Posted>>();
        Ok(posted
            .map(|posted| Posted::clone(posted))
            .unwrap_or_default())
    }
}

/// Reads a form whose token `is_ours`. What the router knows of the request comes along: that no limit but ours holds.
pub(super) async fn read(
    kind: Kind,
    request: Request,
    is_ours: impl Fn(&str) -> bool,
) -> Result<Posted, DeskError> {
    let sort = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let sort = sort.unwrap_or_default();
    if kind == Kind::Upload && sort.starts_with("multipart/form-data") {
        return read_files(request, is_ours).await;
    }
    if !sort.starts_with("application/x-www-form-urlencoded") {
        return Err(DeskError::NotOurs);
    }
    let bytes = body::to_bytes(request.into_body(), MOST_FORM_BYTES).await;
    let bytes = bytes.map_err(|_| DeskError::TooLarge)?;
    let fields: Vec<(String, String)> = form_urlencoded::parse(&bytes)
        .take(MOST_FIELDS + 1)
        .map(|(name, value)| (name.into_owned(), without_nul(value.into_owned())))
        .collect();
    let posted = Posted(Arc::new(Sent {
        fields,
        files: HashMap::new(),
    }));
    match posted {
        posted if posted.0.fields.len() > MOST_FIELDS => Err(DeskError::TooLarge),
        posted if !is_ours(posted.get(TOKEN)) => Err(DeskError::NotOurs),
        posted => Ok(posted),
    }
}

/// A form with files (RFC 7578). Its token comes first: nothing is written down for anybody else.
async fn read_files(request: Request, is_ours: impl Fn(&str) -> bool) -> Result<Posted, DeskError> {
    let parts = Multipart::from_request(request, &()).await;
    let mut parts = parts.map_err(|_| DeskError::NotOurs)?;
    let mut sent = Sent::default();
    let (mut text_bytes, mut file_bytes) = (0, 0);
    loop {
        let field = parts.next_field().await.map_err(|_| DeskError::NotOurs)?;
        let Some(mut field) = field else {
            break;
        };
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let is_first = sent.fields.is_empty() && sent.files.is_empty();
        if sent.fields.len() + sent.files.len() >= MOST_FIELDS {
            return Err(DeskError::TooLarge);
        }
        match file_name {
            Some(file_name) => {
                if is_first {
                    return Err(DeskError::NotOurs);
                }
                let mut file = NamedTempFile::new().map_err(failed)?;
                let mut bytes = 0;
                while let Some(chunk) = field.chunk().await.map_err(|_| DeskError::NotOurs)? {
                    bytes += chunk.len();
                    file_bytes += chunk.len();
                    if file_bytes > MOST_FILE_BYTES {
                        return Err(DeskError::TooLarge);
                    }
                    file.write_all(&chunk).map_err(failed)?;
                }
                let file = File {
                    name: file_name,
                    bytes,
                    file,
                };
                sent.files.insert(name, file);
            }
            None => {
                let mut value = Vec::new();
                while let Some(chunk) = field.chunk().await.map_err(|_| DeskError::NotOurs)? {
                    text_bytes += chunk.len();
                    if text_bytes > MOST_FORM_BYTES {
                        return Err(DeskError::TooLarge);
                    }
                    value.extend_from_slice(&chunk);
                }
                let value = without_nul(String::from_utf8_lossy(&value).into_owned());
                if is_first && (name != TOKEN || !is_ours(&value)) {
                    return Err(DeskError::NotOurs);
                }
                sent.fields.push((name, value));
            }
        }
    }
    match sent.fields.is_empty() {
        true => Err(DeskError::NotOurs),
        false => Ok(Posted(Arc::new(sent))),
    }
}

/// Nobody can type the letter, and PostgreSQL takes no text that has it.
fn without_nul(text: String) -> String {
    match text.contains('\0') {
        true => text.replace('\0', "\u{FFFD}"),
        false => text,
    }
}

fn failed(error: std::io::Error) -> DeskError {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "an upload cannot be kept in the folder for temporary files"
    );
    DeskError::Failed
}
