//! An archive page as HTML -> the same blocks as its plain text has, with what the tags add.
//!
//! The reading follows a browser where it matters: white space collapses, `br` ends a line, `p` and
//! `li` close themselves. It needs one pass, and its stack has a limit, so that no page is slow.

use html5gum::emitters::default::{DefaultEmitter, StartTag, Token};
use html5gum::{Readable, Tokenizer};

use crate::citation::doi;

use super::blocks::{Block, normal};
use super::kind::is_implications;
use super::month;

/// Whether the file is HTML: by its opening, or by several closing tags, or by its name and one.
pub(super) fn is_html(name: &str, text: &str) -> bool {
    let head = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
    let head = head[..head.floor_char_boundary(200)].to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let needed = if [".html", ".htm", ".xhtml"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        1
    } else {
        3
    };
    let is_tag = |at: usize| {
        text.as_bytes()
            .get(at + 2)
            .is_some_and(u8::is_ascii_alphabetic)
    };
    let tags = text
        .match_indices("</")
        .filter(|(at, _)| is_tag(*at))
        .take(needed)
        .count();
    head.starts_with("<!doctype html") || head.starts_with("<html") || tags == needed
}

/// The blocks of the page's content. `main` is the content where it holds a month; forms are left
/// out unless the page, as some servers make it, is one great form.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut page = Page::default();
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let mut lines = Lines {
        text: text.as_bytes(),
        at: 0,
        line: 1,
    };
    for token in Tokenizer::new_with_emitter(text.to_reader(), emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => page.start(&tag),
            Token::EndTag(tag) => page.end(&tag.name),
            Token::String(string) => {
                let line = lines.number_at(string.span.start);
                page.text(&String::from_utf8_lossy(&string), line);
            }
            _ => {}
        }
    }
    page.end_block();
    content(page.placed)
}

/// A block and the parts of the page that it stands in.
struct Placed {
    block: Block,
    in_main: bool,
    in_form: bool,
}

fn content(placed: Vec<Placed>) -> Vec<Block> {
    let choices: [fn(&Placed) -> bool; 3] =
        [|p| p.in_main && !p.in_form, |p| !p.in_form, |p| p.in_main];
    let has_month = |choice: &fn(&Placed) -> bool| {
        placed
            .iter()
            .any(|p| choice(p) && month::named(&p.block.text).is_some())
    };
    let choice = choices.iter().find(|choice| has_month(choice)).copied();
    let chosen = placed
        .into_iter()
        .filter(|p| choice.is_none_or(|choice| choice(p)));
    chosen.map(|p| p.block).collect()
}

/// Turns byte offsets, which only ever grow, into line numbers.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn number_at(&mut self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        if offset > self.at {
            let passed = &self.text[self.at..offset];
            self.line += passed.iter().filter(|byte| **byte == b'\n').count();
            self.at = offset;
        }
        self.line
    }
}

/// An open element, with what it hands down to all that it holds.
#[derive(Clone, Default)]
struct Element {
    name: Vec<u8>,
    is_block: bool,
    is_left_out: bool,
    in_main: bool,
    in_form: bool,
    in_content: bool,
    is_strong: bool,
    heading: Option<u8>,
    /// What a list item begins with, and how many blocks there were before it.
    item: Option<(String, usize)>,
    /// The number of the next item, in a numbered list.
    next: Option<usize>,
}

/// Deeper elements are read as part of the last one that fits.
const DEEPEST: usize = 200;

#[derive(Default)]
struct Page {
    open: Vec<Element>,
    placed: Vec<Placed>,
    /// The text of the block being read, white space collapsed.
    text: String,
    line: usize,
    is_strong: bool,
    heading: Option<u8>,
    link: Option<String>,
}

impl Page {
    fn start(&mut self, tag: &StartTag<usize>) {
        let name = tag.name.as_slice();
        if name == b"br" {
            return self.end_line();
        }
        if is_block(name) {
            self.end_block();
            self.close_implied(name);
        }
        if is_void(name) || self.open.len() >= DEEPEST {
            return;
        }
        let element = self.element(name, tag);
        if name == b"a" && !element.is_left_out && self.link.is_none() {
            self.link = attribute(tag, b"href")
                .and_then(|href| doi::find(&href))
                .map(|f| f.doi);
        }
        self.open.push(element);
    }

    /// The element that a tag opens inside those that are open.
    fn element(&mut self, name: &[u8], tag: &StartTag<usize>) -> Element {
        let blocks = self.placed.len();
        let parent = self.open.last_mut();
        let bullet = (name == b"li").then(|| bullet(parent.as_ref().and_then(|p| p.next)));
        let mut element = Element {
            name: name.to_vec(),
            ..Element::default()
        };
        if let Some(parent) = parent {
            if name == b"li" {
                parent.next = parent.next.map(|number| number.saturating_add(1));
            }
            let name = element.name;
            element = Element {
                name,
                item: None,
                next: None,
                ..parent.clone()
            };
        }
        let role = attribute(tag, b"role").unwrap_or_default();
        element.is_block = is_block(name);
        element.in_main |= name == b"main" || role == "main";
        element.in_content |= element.in_main || matches!(name, b"article" | b"section" | b"li");
        element.in_form |= name == b"form";
        element.is_left_out |= is_left_out(name, &role) || is_hidden(tag);
        element.is_left_out |= name == b"header" && !element.in_content;
        element.is_strong |= name == b"strong" || name == b"b";
        element.heading = heading_level(name).or(element.heading);
        element.item = bullet.map(|bullet| (bullet, blocks));
        element.next = (name == b"ol").then(|| {
            attribute(tag, b"start")
                .and_then(|start| start.trim().parse().ok())
                .unwrap_or(1)
        });
        element
    }

    fn end(&mut self, name: &[u8]) {
        if name == b"br" {
            return self.end_line();
        }
        if is_block(name) {
            self.end_block();
        } else if matches!(name, b"strong" | b"b") && is_implications(&self.text) {
            self.end_line();
        }
        let ends_block = is_block(name);
        let is_stop = |open: &Element| {
            let is_cell = open.is_block && matches!(&open.name[..], b"td" | b"th" | b"table");
            is_cell || (!ends_block && open.is_block)
        };
        for (depth, open) in self.open.iter().enumerate().rev() {
            if open.name == name {
                return self.close_to(depth);
            }
            if is_stop(open) && !matches!(name, b"td" | b"th" | b"tr" | b"table" | b"tbody") {
                return;
            }
        }
    }

    /// `p` and `head` end where a block begins, and `li` where the next one does.
    fn close_implied(&mut self, name: &[u8]) {
        let closes = |open: &[u8]| match open {
            b"p" => true,
            b"li" => name == b"li",
            b"dt" | b"dd" => matches!(name, b"dt" | b"dd"),
            b"option" => name == b"option",
            b"head" => name != b"title",
            _ => false,
        };
        let is_stop = |open: &Element| open.is_block && !closes(&open.name);
        let found = self.open.iter().enumerate().rev();
        let depth = found
            .take_while(|(_, open)| !is_stop(open))
            .filter(|(_, open)| open.is_block)
            .last();
        if let Some((depth, _)) = depth {
            self.close_to(depth);
        }
    }

    fn close_to(&mut self, depth: usize) {
        for element in self.open.split_off(depth).into_iter().rev() {
            if let Some((bullet, first)) = element.item {
                self.mark_item(&bullet, first);
            }
        }
    }

    /// Gives a list item its mark, unless the list holds whole summaries: headings or several
    /// paragraphs in one item.
    fn mark_item(&mut self, bullet: &str, first: usize) {
        let own = self.placed.get_mut(first..).unwrap_or_default();
        let is_nested = |placed: &&mut Placed| placed.block.text.starts_with("- ");
        let paragraphs = own.iter_mut().filter(|placed| !is_nested(placed)).count();
        if let Some(placed) = own.first_mut().filter(|_| paragraphs <= 1) {
            let is_marked = placed.block.text.starts_with(bullet);
            if placed.block.heading.is_none() && !is_marked {
                placed.block.text.insert_str(0, bullet);
            }
        }
    }

    fn text(&mut self, text: &str, mut line: usize) {
        let open = self.open.last();
        if open.is_some_and(|open| open.is_left_out) {
            return;
        }
        let is_strong = open.is_some_and(|open| open.is_strong);
        let heading = open.and_then(|open| open.heading);
        for c in text.chars() {
            if c.is_ascii_whitespace() {
                line += usize::from(c == '\n');
                if !self.text.is_empty() && !self.text.ends_with(' ') {
                    self.text.push(' ');
                }
                continue;
            }
            if self.text.is_empty() {
                (self.line, self.is_strong, self.heading) = (line, true, heading);
            }
            self.is_strong &= is_strong;
            self.text.push(c);
        }
    }

    /// A `br`: within a heading it is a space, since a heading is one title.
    fn end_line(&mut self) {
        if self.open.last().is_some_and(|open| open.heading.is_some()) {
            self.text.push(' ');
        } else {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        let text = normal(&std::mem::take(&mut self.text));
        let is_run_in = self
            .placed
            .last()
            .is_some_and(|last| is_implications(&last.block.text));
        let text = match text.strip_prefix(':') {
            Some(rest) if is_run_in => rest.trim_start().to_owned(),
            _ => text,
        };
        let text = match self.heading {
            Some(_) => text.trim_end_matches(['¶', ' ']).to_owned(),
            None => text,
        };
        if text.is_empty() {
            return;
        }
        let block = Block {
            line: self.line,
            text,
            heading: self.heading,
            is_strong: self.is_strong,
            link: self.link.take(),
        };
        let open = self.open.last();
        self.placed.push(Placed {
            block,
            in_main: open.is_some_and(|open| open.in_main),
            in_form: open.is_some_and(|open| open.in_form),
        });
    }
}

fn bullet(number: Option<usize>) -> String {
    number.map_or("- ".to_owned(), |number| format!("{number}. "))
}

fn heading_level(name: &[u8]) -> Option<u8> {
    match name {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

fn attribute(tag: &StartTag<usize>, name: &[u8]) -> Option<String> {
    let value = tag.attributes.get(name)?;
    Some(String::from_utf8_lossy(value).trim().to_owned())
}

fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"area"
            | b"base"
            | b"col"
            | b"embed"
            | b"hr"
            | b"img"
            | b"input"
            | b"link"
            | b"meta"
            | b"param"
            | b"source"
            | b"track"
            | b"wbr"
    )
}

fn is_block(name: &[u8]) -> bool {
    heading_level(name).is_some()
        || matches!(
            name,
            b"address"
                | b"article"
                | b"aside"
                | b"blockquote"
                | b"body"
                | b"caption"
                | b"center"
                | b"dd"
                | b"details"
                | b"div"
                | b"dl"
                | b"dt"
                | b"fieldset"
                | b"figcaption"
                | b"figure"
                | b"footer"
                | b"form"
                | b"head"
                | b"header"
                | b"hr"
                | b"html"
                | b"li"
                | b"main"
                | b"nav"
                | b"ol"
                | b"option"
                | b"p"
                | b"pre"
                | b"section"
                | b"summary"
                | b"table"
                | b"tbody"
                | b"td"
                | b"tfoot"
                | b"th"
                | b"thead"
                | b"title"
                | b"tr"
                | b"ul"
        )
}

/// What is on a page without being its content.
fn is_left_out(name: &[u8], role: &str) -> bool {
    matches!(
        role,
        "navigation" | "banner" | "contentinfo" | "search" | "complementary"
    ) || matches!(
        name,
        b"head"
            | b"script"
            | b"style"
            | b"noscript"
            | b"template"
            | b"nav"
            | b"footer"
            | b"aside"
            | b"select"
            | b"button"
            | b"svg"
            | b"iframe"
            | b"textarea"
            | b"label"
            | b"legend"
            | b"datalist"
            | b"object"
            | b"audio"
            | b"video"
            | b"canvas"
            | b"math"
    )
}

fn is_hidden(tag: &StartTag<usize>) -> bool {
    const CLASSES: &[&str] = &[
        "visually-hidden",
        "sr-only",
        "screen-reader-text",
        "element-invisible",
        "visuallyhidden",
    ];
    let style = attribute(tag, b"style")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let style: String = style.split_whitespace().collect();
    let classes = attribute(tag, b"class").unwrap_or_default();
    attribute(tag, b"hidden").is_some()
        || attribute(tag, b"aria-hidden").as_deref() == Some("true")
        || style.contains("display:none")
        || style.contains("visibility:hidden")
        || classes
            .split_whitespace()
            .any(|class| CLASSES.contains(&class))
}
