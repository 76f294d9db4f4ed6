//! More or fewer summaries like one of a digest: a page that says what it would change, and one button. The link reaches
//! topics and nothing else.

use axum::extract::{Path, State};
use maud::{Markup, html};

use super::{Words, page, reader_of};
use crate::archive;
use crate::db::Tx;
use crate::secret::Purpose;
use crate::subscriber::Subscriber;
use crate::subscription::{self, Act, Choice};
use crate::topic::Vocabulary;
use crate::web::{PageError, Site};

/// What the link asks for.
#[derive(Clone, Copy, PartialEq)]
enum Wish {
    More,
    Fewer,
}

/// What a wish comes to.
#[derive(Debug, PartialEq)]
enum Comes {
    /// Nothing would change: the summary has no topic, or the wish is fulfilled already.
    NoTopics,
    EverythingAlready,
    AllChosenAlready,
    NoneChosen,
    /// These topics join what was chosen.
    Joining {
        topics: Vec<String>,
        then: Vec<String>,
    },
    /// These topics leave what was chosen, for `then`.
    Leaving {
        topics: Vec<String>,
        then: Vec<String>,
        why_others: Option<Others>,
    },
}

/// Why all other topics come to be ticked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Others {
    /// The reader got everything.
    AllWereChosen,
    /// Nothing would be left.
    NoneWouldBe,
}

/// What would change. Opening it changes nothing.
pub async fn show(
    State(site): State<Site>,
    Path((token, id, wish)): Path<(String, String, String)>,
) -> Result<Markup, PageError> {
    let wish = Wish::read(&wish)?;
    let mut tx = site.db.read().await?;
    let asked = Asked::open(&site, &mut tx, &token, &id).await?;
    let comes = asked.comes(wish);
    Ok(asked.question(wish, &comes, &format!("/s/{token}/{id}/{}", wish.word())))
}

/// Changes it.
pub async fn change(
    State(site): State<Site>,
    Path((token, id, wish)): Path<(String, String, String)>,
) -> Result<Markup, PageError> {
    let wish = Wish::read(&wish)?;
    let mut tx = site.db.begin().await?;
    let asked = Asked::open(&site, &mut tx, &token, &id).await?;
    let comes = asked.comes(wish);
    let (Comes::Joining { then, .. } | Comes::Leaving { then, .. }) = &comes else {
        return Ok(asked.question(wish, &comes, ""));
    };
    asked.keep(&mut tx, wish, then).await?;
    tx.commit().await?;
    Ok(asked.done(wish, &comes))
}

impl Wish {
    fn read(word: &str) -> Result<Wish, PageError> {
        match word {
            "more" => Ok(Wish::More),
            "fewer" => Ok(Wish::Fewer),
            _ => Err(PageError::NotFound),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Wish::More => "more",
            Wish::Fewer => "fewer",
        }
    }
}

/// A reader and a summary.
struct Asked<'a> {
    site: &'a Site,
    reader: Subscriber,
    title: String,
    written_in: String,
    topics: Vec<String>,
}

impl Asked<'_> {
    async fn open<'a>(
        site: &'a Site,
        tx: &mut Tx,
        token: &str,
        id: &str,
    ) -> Result<Asked<'a>, PageError> {
        let reader = reader_of(site, tx, Purpose::Feedback, token).await?;
        let id: i64 = id.parse().map_err(|_| PageError::NotFound)?;
        let found = archive::summary(tx, id).await?;
        let (_, kept) = found.ok_or(PageError::NotFound)?;
        Ok(Asked {
            site,
            reader,
            title: kept.summary.title,
            written_in: kept.summary.language,
            topics: kept.summary.topics,
        })
    }

    fn comes(&self, wish: Wish) -> Comes {
        comes(
            &self.site.vocabulary,
            wish,
            &self.reader.topics,
            &self.topics,
        )
    }

    async fn keep(&self, tx: &mut Tx, wish: Wish, topics: &[String]) -> sqlx::Result<()> {
        let reader = &self.reader;
        let choice = Choice::new(topics.to_vec(), reader.research_types.0.clone());
        subscription::choose(tx, reader.id, &choice).await?;
        let source = match wish {
            Wish::More => "more like a summary",
            Wish::Fewer => "fewer like a summary",
        };
        let now = (self.site.clock)();
        subscription::record(tx, &reader.address_hash, Act::Changed, source, now).await
    }

    fn page(&self, wish: Wish, content: Markup) -> Markup {
        let words = Words(self.reader.language);
        let heading = match wish {
            Wish::More => words.more_like_this(),
            Wish::Fewer => words.fewer_like_this(),
        };
        let content = html! {
            h1 { (heading) }
            p.lead lang=(self.written_in) { (self.title) }
            (content)
        };
        page(self.site, words.0, heading, content)
    }

    fn question(&self, wish: Wish, comes: &Comes, path: &str) -> Markup {
        let words = Words(self.reader.language);
        let (says, topics, button) = match comes {
            Comes::NoTopics => (words.has_no_topics().to_owned(), &Vec::new(), None),
            Comes::EverythingAlready => (words.gets_everything().to_owned(), &Vec::new(), None),
            Comes::AllChosenAlready => (words.has_them_all().to_owned(), &self.topics, None),
            Comes::NoneChosen => (words.has_none_of_them().to_owned(), &self.topics, None),
            Comes::Joining { topics, .. } => {
                (words.will_add().to_owned(), topics, Some(words.add_them()))
            }
            Comes::Leaving {
                topics,
                then,
                why_others,
            } => {
                let says = match why_others {
                    None => words.will_take_out().to_owned(),
                    Some(Others::AllWereChosen) => words.will_get_all_but(then.len()),
                    Some(Others::NoneWouldBe) => words.would_leave_none(then.len()),
                };
                (says, topics, Some(words.take_them_out()))
            }
        };
        let content = html! {
            p { (says) }
            (self.list(topics))
            @if let Some(button) = button {
                form method="post" action=(path) { p.buttons { button { (button) } } }
            }
        };
        self.page(wish, content)
    }

    fn done(&self, wish: Wish, comes: &Comes) -> Markup {
        let words = Words(self.reader.language);
        let (says, topics, then) = match comes {
            Comes::Joining { topics, then } => (words.were_added(), topics, then),
            Comes::Leaving { topics, then, .. } => (words.were_taken_out(), topics, then),
            _ => return self.question(wish, comes, ""),
        };
        let all = self.site.vocabulary.topics.len();
        let content = html! {
            div.done role="status" {
                p { (says) }
                (self.list(topics))
                p { (words.you_choose_now(then.len(), all)) }
            }
        };
        self.page(wish, content)
    }

    fn list(&self, topics: &[String]) -> Markup {
        let names = self.site.topic_names(self.reader.language, topics);
        html! { @if !names.is_empty() { ul { @for name in names { li { (name) } } } } }
    }
}

/// What becomes of the `chosen` topics, none of which stands for all, by a wish about a summary's topics.
fn comes(vocabulary: &Vocabulary, wish: Wish, chosen: &[String], of_summary: &[String]) -> Comes {
    let is_known = |slug: &&String| vocabulary.topic(slug).is_some();
    let topics: Vec<String> = of_summary.iter().filter(is_known).cloned().collect();
    if topics.is_empty() {
        return Comes::NoTopics;
    }
    match wish {
        Wish::More => more(chosen, topics),
        Wish::Fewer => fewer(vocabulary, chosen, topics),
    }
}

fn more(chosen: &[String], topics: Vec<String>) -> Comes {
    if chosen.is_empty() {
        return Comes::EverythingAlready;
    }
    let new = topics.into_iter().filter(|topic| !chosen.contains(topic));
    let topics: Vec<String> = new.collect();
    if topics.is_empty() {
        return Comes::AllChosenAlready;
    }
    let then = [chosen, &topics].concat();
    Comes::Joining { topics, then }
}

fn fewer(vocabulary: &Vocabulary, chosen: &[String], topics: Vec<String>) -> Comes {
    let others = || {
        let all = vocabulary.topics.iter().map(|topic| &topic.slug);
        let others = all.filter(|slug| !topics.contains(slug));
        others.cloned().collect::<Vec<_>>()
    };
    let (gone, then, why_others) = if chosen.is_empty() {
        (topics.clone(), others(), Some(Others::AllWereChosen))
    } else {
        let (gone, left): (Vec<String>, Vec<String>) = chosen
            .iter()
            .cloned()
            .partition(|topic| topics.contains(topic));
        match (gone.is_empty(), left.is_empty()) {
            (true, _) => return Comes::NoneChosen,
            (_, false) => (gone, left, None),
            (_, true) => (gone, others(), Some(Others::NoneWouldBe)),
        }
    };
    if then.is_empty() {
        // It has every topic there is, and without any of them there would be nothing to choose.
        return Comes::NoTopics;
    }
    Comes::Leaving {
        topics: gone,
        then,
        why_others,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slugs(of: &[&str]) -> Vec<String> {
        of.iter().map(|slug| (*slug).to_owned()).collect()
    }

    fn of(wish: Wish, chosen: &[&str], summary: &[&str]) -> Comes {
        comes(
            &Vocabulary::built_in(),
            wish,
            &slugs(chosen),
            &slugs(summary),
        )
    }

    #[test]
    fn more_adds_what_is_not_chosen() {
        let comes = of(Wish::More, &["empathy"], &["attachment", "empathy"]);
        let then = slugs(&["empathy", "attachment"]);
        let topics = slugs(&["attachment"]);
        assert_eq!(comes, Comes::Joining { topics, then });
        assert_eq!(of(Wish::More, &[], &["empathy"]), Comes::EverythingAlready);
        assert_eq!(
            of(Wish::More, &["empathy"], &["empathy"]),
            Comes::AllChosenAlready
        );
        assert_eq!(of(Wish::More, &["empathy"], &[]), Comes::NoTopics);
        assert_eq!(of(Wish::More, &["empathy"], &["no-such"]), Comes::NoTopics);
    }

    #[test]
    fn fewer_never_ends_with_nothing_which_would_be_everything() {
        let all = Vocabulary::built_in().topics.len();
        for (chosen, why) in [
            (&[][..], Others::AllWereChosen),
            (&["empathy"][..], Others::NoneWouldBe),
        ] {
            let Comes::Leaving {
                topics,
                then,
                why_others,
            } = of(Wish::Fewer, chosen, &["empathy"])
            else {
                panic!("it leaves");
            };
            assert_eq!((topics, why_others), (slugs(&["empathy"]), Some(why)));
            assert_eq!(then.len(), all - 1);
        }
        let comes = of(Wish::Fewer, &["empathy", "training"], &["empathy"]);
        let (topics, then) = (slugs(&["empathy"]), slugs(&["training"]));
        let leaving = Comes::Leaving {
            topics,
            then,
            why_others: None,
        };
        assert_eq!(comes, leaving);
        assert_eq!(
            of(Wish::Fewer, &["training"], &["empathy"]),
            Comes::NoneChosen
        );
    }
}
