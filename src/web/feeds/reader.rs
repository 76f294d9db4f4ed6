//! The feed of what one reader chose, behind a link that is theirs alone.

use axum::extract::{Path, State};
use axum::response::Response;

use super::super::{PageError, Site};
use super::{Feed, atom, newest};
use crate::archive::Filter;
use crate::secret::Purpose;
use crate::subscriber;
use crate::subscription;

/// Nothing of it is kept on its way, and nothing tells that the reader exists once they have left.
pub async fn own(
    State(site): State<Site>,
    Path(token): Path<String>,
) -> Result<Response, PageError> {
    let id = site.keys.reader(Purpose::Feed, &token);
    let id = id.ok_or(PageError::BadLink)?;
    let mut tx = site.db.read().await?;
    let reader = subscriber::by_id(&mut tx, id)
        .await?
        .ok_or(PageError::Gone)?;
    if reader.state != subscription::State::Active {
        return Err(PageError::Gone);
    }
    let filter = Filter {
        topics: reader.topics.0,
        research_types: reader.research_types.0,
        ..Filter::default()
    };
    let language = reader.language;
    let feed = Feed {
        site: &site,
        language,
        title: language.your_topics(&site.name),
        about: language.what_this_is(&site.name),
        itself: site.url(&format!("/f/{token}")),
        page: site.url(&language.path("/")),
        entries: newest(&mut tx, &filter).await?,
    };
    Ok(atom::response(&feed))
}
