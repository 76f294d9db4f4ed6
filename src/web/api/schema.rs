//! Schemas: what a text of JSON may be. The same one stands in the description of the API, is held against what programs
//! send, and, by the tests, against what they are answered.
//!
//! They are written by hand beside the types rather than derived: the limits and patterns are then the ones that are
//! checked, an error can say where and how to mend it, and no crate is needed for it.

use serde_json::{Map, Value, json};

use crate::topic::Vocabulary;

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub enum Schema {
    /// Any text without controls but tabs and line breaks, of so many characters.
    Text {
        least: usize,
        most: usize,
    },
    /// A text of a certain form.
    Form(&'static Form),
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    /// A slug of the vocabulary.
    Topic,
    ResearchType,
    Whole {
        least: i64,
        most: i64,
    },
    Number,
    Flag,
    /// At most so many.
    List(&'static Schema, usize),
    /// By names that are not known beforehand.
    Map(&'static Schema),
    /// Fields in several lists, so that a larger object has what a smaller one has.
    Object(&'static [&'static [Field]]),
    Maybe(&'static Schema),
    /// A schema that the description names, and shows once.
    Named(&'static str, &'static Schema),
    /// Anything: what another document describes.
    Any,
}

/// A form that texts have.
#[derive(Debug)]
pub struct Form {
    /// What every text that matches it has (ECMA 262, as JSON Schema wants it). Others may be taken, too.
    pub pattern: &'static str,
    /// A `format` of JSON Schema.
    pub format: Option<&'static str>,
    pub most: usize,
    /// Whether a text is taken.
    pub is: fn(&str) -> bool,
    /// How to write it.
    pub mend: &'static str,
}

/// A field of an object.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub schema: Schema,
    /// Whether it must be there.
    pub is_needed: bool,
    pub about: &'static str,
}

/// A place in a document, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// RFC 6901.
    pub pointer: String,
    pub says: String,
}

/// More mistakes are not told at once.
const MOST_WRONGS: usize = 20;

/// Longest list of words that an error shows.
const MOST_WORDS: usize = 60;

/// A field that is always there.
pub const fn field(name: &'static str, schema: Schema, about: &'static str) -> Field {
    Field {
        name,
        schema,
        is_needed: true,
        about,
    }
}

/// A field that may be left out.
pub const fn optional(name: &'static str, schema: Schema, about: &'static str) -> Field {
    Field {
        is_needed: false,
        ..field(name, schema, about)
    }
}

/// Fields of an object, each with whether it must be there, its schema, and what it is where its name does not tell:
/// `field month: MONTH; optional note: LINE, "Why.";`
macro_rules! fields {
    ($($is_needed:ident $name:ident: $schema:expr $(, $about:literal)?;)*) => {
        &[$($is_needed(stringify!($name), $schema, concat!($($about)?))),*]
    };
}
pub(in crate::web::api) use fields;

impl Schema {
    /// Everything in a value that the schema does not allow.
    pub fn check(&self, value: &Value, vocabulary: &Vocabulary) -> Vec<Wrong> {
        let mut checking = Checking {
            vocabulary,
            pointer: String::new(),
            wrongs: Vec::new(),
        };
        checking.look(self, value);
        checking.wrongs
    }

    /// As JSON Schema (2020-12) has it; named ones are noted in `named` and referred to.
    pub fn json(&self, vocabulary: &Vocabulary, named: &mut Map<String, Value>) -> Value {
        match self {
            Schema::Text { least, most } => json!({
                "type": "string", "minLength": least, "maxLength": most, "pattern": NO_CONTROLS,
            }),
            Schema::Form(form) => {
                let mut text =
                    json!({"type": "string", "maxLength": form.most, "pattern": form.pattern});
                if let Some(format) = form.format {
                    text["format"] = format.into();
                }
                text
            }
            Schema::Word(words) => json!({"type": "string", "enum": words()}),
            Schema::Topic => json!({"type": "string", "enum": topics(vocabulary)}),
            Schema::ResearchType => json!({"type": "string", "enum": types(vocabulary)}),
            Schema::Whole { least, most } => {
                json!({"type": "integer", "minimum": least, "maximum": most})
            }
            Schema::Number => json!({"type": "number"}),
            Schema::Flag => json!({"type": "boolean"}),
            Schema::List(of, most) => {
                json!({"type": "array", "items": of.json(vocabulary, named), "maxItems": most})
            }
            Schema::Map(of) => {
                json!({"type": "object", "additionalProperties": of.json(vocabulary, named)})
            }
            Schema::Object(parts) => object(parts, vocabulary, named),
            Schema::Maybe(of) => {
                json!({"anyOf": [of.json(vocabulary, named), {"type": "null"}]})
            }
            Schema::Named(name, of) => {
                if !named.contains_key(*name) {
                    named.insert((*name).to_owned(), Value::Null);
                    let of = of.json(vocabulary, named);
                    named.insert((*name).to_owned(), of);
                }
                json!({"$ref": format!("#/components/schemas/{name}")})
            }
            Schema::Any => json!({}),
        }
    }

    /// The value of a text in an address, which has no types of its own.
    pub fn read(&self, text: &str) -> Value {
        match self {
            Schema::Whole { .. } => text.parse::<i64>().map_or(text.into(), Value::from),
            Schema::Flag => text.parse::<bool>().map_or(text.into(), Value::from),
            Schema::Named(_, of) | Schema::Maybe(of) => of.read(text),
            _ => text.into(),
        }
    }
}

const NO_CONTROLS: &str = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*$";

fn is_without_controls(text: &str) -> bool {
    let is_fit = |c: char| matches!(c, '\t' | '\n' | '\r') || !c.is_ascii_control();
    text.chars().all(is_fit)
}

fn object(parts: &[&[Field]], vocabulary: &Vocabulary, named: &mut Map<String, Value>) -> Value {
    let fields = || parts.iter().flat_map(|part| part.iter());
    let mut properties = Map::new();
    for field in fields() {
        let schema = field.schema.json(vocabulary, named);
        let described = match field.about {
            "" => schema,
            // Beside a reference, a description stands in a schema of its own.
            about => with_description(schema, about),
        };
        properties.insert(field.name.to_owned(), described);
    }
    let needed = fields().filter(|field| field.is_needed);
    let needed: Vec<&str> = needed.map(|field| field.name).collect();
    json!({
        "type": "object", "properties": properties, "required": needed, "additionalProperties": false,
    })
}

fn with_description(mut schema: Value, about: &str) -> Value {
    schema["description"] = about.into();
    schema
}

fn topics(vocabulary: &Vocabulary) -> Vec<&str> {
    let topics = vocabulary.topics.iter();
    topics.map(|topic| topic.slug.as_str()).collect()
}

fn types(vocabulary: &Vocabulary) -> Vec<&str> {
    let types = vocabulary.research_types.iter();
    types.map(|kind| kind.slug.as_str()).collect()
}

/// A value being looked through.
struct Checking<'a> {
    vocabulary: &'a Vocabulary,
    pointer: String,
    wrongs: Vec<Wrong>,
}

impl Checking<'_> {
    fn look(&mut self, schema: &Schema, value: &Value) {
        match (schema, value) {
            (Schema::Any, _) | (Schema::Maybe(_), Value::Null) => {}
            (Schema::Named(_, of) | Schema::Maybe(of), _) => self.look(of, value),
            (Schema::Text { least, most }, Value::String(text)) => self.text(text, *least, *most),
            (Schema::Form(form), Value::String(text)) => {
                if text.chars().count() > form.most || !(form.is)(text) {
                    self.wrong(form.mend);
                }
            }
            (Schema::Word(words), Value::String(text)) => self.word(text, &words()),
            (Schema::Topic, Value::String(text)) => self.word(text, &topics(self.vocabulary)),
            (Schema::ResearchType, Value::String(text)) => self.word(text, &types(self.vocabulary)),
            (Schema::Whole { least, most }, Value::Number(number)) => {
                let number = whole(number);
                if !number.is_some_and(|number| (*least..=*most).contains(&number)) {
                    self.wrong(format!("must be a whole number from {least} to {most}"));
                }
            }
            (Schema::Number, Value::Number(_)) | (Schema::Flag, Value::Bool(_)) => {}
            (Schema::List(of, most), Value::Array(items)) => self.list(of, *most, items),
            (Schema::Map(of), Value::Object(fields)) => {
                for (name, value) in fields {
                    self.within(name, |here| here.look(of, value));
                }
            }
            (Schema::Object(parts), Value::Object(given)) => self.object(parts, given),
            (schema, _) => self.wrong(format!("must be {}", kind(schema))),
        }
    }

    fn text(&mut self, text: &str, least: usize, most: usize) {
        let length = text.chars().count();
        if length < least || length > most {
            self.wrong(format!(
                "must have {least} to {most} characters, not {length}"
            ));
        } else if !is_without_controls(text) {
            self.wrong("must have no control characters");
        }
    }

    fn word(&mut self, text: &str, words: &[&str]) {
        if words.contains(&text) {
            return;
        }
        let shown = &words[..words.len().min(MOST_WORDS)];
        let more = if shown.len() < words.len() {
            ", …"
        } else {
            ""
        };
        self.wrong(format!("must be one of {}{more}", shown.join(", ")));
    }

    fn list(&mut self, of: &Schema, most: usize, items: &[Value]) {
        if items.len() > most {
            self.wrong(format!("must have at most {most} entries"));
            return;
        }
        for (index, item) in items.iter().enumerate() {
            self.within(&index.to_string(), |here| here.look(of, item));
        }
    }

    fn object(&mut self, parts: &[&[Field]], given: &Map<String, Value>) {
        let fields = || parts.iter().flat_map(|part| part.iter());
        for name in given.keys() {
            if !fields().any(|field| field.name == name) {
                let known: Vec<&str> = fields().map(|field| field.name).collect();
                let says = format!("is not known here; there are {}", known.join(", "));
                self.within(name, |here| here.wrong(says));
            }
        }
        for field in fields() {
            match given.get(field.name) {
                Some(value) => self.within(field.name, |here| here.look(&field.schema, value)),
                None if field.is_needed => self.within(field.name, |here| here.wrong("is missing")),
                None => {}
            }
        }
    }

    fn within(&mut self, name: &str, look: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer += &name.replace('~', "~0").replace('/', "~1");
        look(self);
        self.pointer.truncate(length);
    }

    fn wrong(&mut self, says: impl Into<String>) {
        if self.wrongs.len() < MOST_WRONGS {
            self.wrongs.push(Wrong {
                pointer: self.pointer.clone(),
                says: says.into(),
            });
        }
    }
}

/// `1.0` is a whole number for JSON Schema.
fn whole(number: &serde_json::Number) -> Option<i64> {
    let float = || number.as_f64().filter(|float| float.fract() == 0.0);
    number.as_i64().or_else(|| {
        float()
            .filter(|float| float.abs() < 9e15)
            .map(|float| float as i64)
    })
}

fn kind(schema: &Schema) -> &'static str {
    match schema {
        Schema::Text { .. }
        | Schema::Form(_)
        | Schema::Word(_)
        | Schema::Topic
        | Schema::ResearchType => "a text",
        Schema::Whole { .. } => "a whole number",
        Schema::Number => "a number",
        Schema::Flag => "true or false",
        Schema::List(..) => "a list",
        Schema::Map(_) | Schema::Object(_) => "an object",
        Schema::Maybe(of) | Schema::Named(_, of) => kind(of),
        Schema::Any => "anything",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: Schema = Schema::Object(&[&[
        field("name", Schema::Text { least: 1, most: 5 }, ""),
        optional(
            "numbers",
            Schema::List(&Schema::Whole { least: 0, most: 9 }, 2),
            "",
        ),
    ]]);

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let vocabulary = Vocabulary::built_in();
        let told = |value: Value| {
            let wrongs = PAIR.check(&value, &vocabulary).into_iter();
            wrongs.map(|wrong| wrong.pointer).collect::<Vec<_>>()
        };
        assert_eq!(told(json!({"name": "Ada"})), [""; 0]);
        assert_eq!(told(json!({"name": "Ada", "numbers": [1, 2.0]})), [""; 0]);
        assert_eq!(told(json!([])), [""]);
        assert_eq!(
            told(json!({"n/m": 1, "numbers": 1})),
            ["/n~1m", "/name", "/numbers"]
        );
        assert_eq!(
            told(json!({"name": "Ada", "numbers": [1, 2.5]})),
            ["/numbers/1"]
        );
        assert_eq!(
            told(json!({"name": "\u{0}", "numbers": [1, 2, 3]})),
            ["/name", "/numbers"]
        );
    }
}
