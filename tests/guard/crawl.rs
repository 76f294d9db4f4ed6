//! Every page of the desk that links lead to, and every form on them, as a program finds them that knows nothing of either.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::support::editor::{Answered, Editor};

/// A form as it stands on a page.
#[derive(Clone, Debug)]
pub struct Form {
    pub action: String,
    pub has_files: bool,
    /// Each field with what it holds, the buttons too; the session's token is none.
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub value: String,
    /// Whether somebody may write into it: no button, no choice, and nothing hidden.
    pub is_written: bool,
}

/// Pages, and forms by where they lead and what they ask.
pub struct Found {
    pub pages: BTreeMap<String, Answered>,
    pub forms: BTreeMap<String, Form>,
}

/// More pages than the desk of a test has.
const MOST_PAGES: usize = 600;

/// Follows every link, from the overview and from each of `also` on.
pub async fn crawl(who: &Editor, also: &[&str]) -> Found {
    let mut found = Found {
        pages: BTreeMap::new(),
        forms: BTreeMap::new(),
    };
    let mut known = BTreeSet::new();
    let mut ahead = VecDeque::from(["/desk".to_owned()]);
    ahead.extend(also.iter().map(|path| (*path).to_owned()));
    while let Some(path) = ahead.pop_front() {
        if !known.insert(shape(&path)) {
            continue;
        }
        assert!(known.len() < MOST_PAGES, "there is no end: {path}");
        let page = who.get(&path).await;
        if page.status == 303 {
            ahead.push_back(page.location().to_owned());
        }
        ahead.extend(links(&page.body));
        for form in forms(&page.body, &path) {
            found.forms.entry(form.key()).or_insert(form);
        }
        found.pages.insert(path, page);
    }
    found
}

impl Form {
    /// Forms alike, of another row of a list, are one.
    fn key(&self) -> String {
        let names: BTreeSet<&str> = self.fields.iter().map(|field| &*field.name).collect();
        let names: Vec<&str> = names.into_iter().collect();
        format!("{} {}", shape(&self.action), names.join(" "))
    }
}

/// An address without what tells one row of a list from the next.
fn shape(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut names: Vec<&str> = query
        .split('&')
        .filter_map(|pair| pair.split('=').next())
        .collect();
    names.sort_unstable();
    format!("{path}?{}", names.join("&"))
}

fn links(page: &str) -> Vec<String> {
    let parts = page.split("href=\"/desk").skip(1);
    let ends = parts.filter_map(|rest| rest.split_once('"'));
    ends.map(|(link, _)| format!("/desk{}", text(link.split('#').next().unwrap_or_default())))
        .collect()
}

fn forms(page: &str, path: &str) -> Vec<Form> {
    let parts = page.split("<form ").skip(1);
    let wholes = parts.filter_map(|rest| rest.split_once("</form>"));
    let posts = wholes.filter(|(form, _)| form.contains("method=\"post\""));
    posts
        .map(|(form, _)| {
            let (tag, inner) = form.split_once('>').unwrap_or((form, ""));
            Form {
                action: attribute(tag, "action").unwrap_or_else(|| path.to_owned()),
                has_files: tag.contains("multipart/form-data"),
                fields: fields(inner),
            }
        })
        .collect()
}

fn fields(form: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    for part in form.split('<').skip(1) {
        let (tag, after) = part.split_once('>').unwrap_or((part, ""));
        let sort = tag.split([' ', '/']).next().unwrap_or_default();
        let Some(name) = attribute(tag, "name").filter(|name| name != "token") else {
            continue;
        };
        let kind = attribute(tag, "type").unwrap_or_default();
        let is_written = match (sort, &*kind) {
            ("textarea", _) => true,
            ("input", kind) => !matches!(kind, "hidden" | "checkbox" | "radio" | "submit" | "file"),
            ("select" | "button", _) => false,
            _ => continue,
        };
        let value = match sort {
            "textarea" => text(after),
            "select" => chosen(form, &name),
            _ => attribute(tag, "value").unwrap_or_default(),
        };
        fields.push(Field {
            name,
            value,
            is_written,
        });
    }
    fields
}

/// The first value that a list offers.
fn chosen(form: &str, name: &str) -> String {
    let list = form.split(&format!("name=\"{name}\"")).nth(1);
    let option = list.and_then(|list| list.split("<option").nth(1));
    let tag = option.and_then(|option| option.split('>').next());
    tag.and_then(|tag| attribute(tag, "value"))
        .unwrap_or_default()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    Some(text(rest.split('"').next()?))
}

/// What stands for a text in HTML.
fn text(written: &str) -> String {
    written
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}
