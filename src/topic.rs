//! The topics and types of research that readers choose from, and how a written name finds its entry.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Deserialize;

/// What readers choose from and what summaries are filed under, as one file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vocabulary {
    /// In the order in which choices show them.
    #[serde(rename = "topic")]
    pub topics: Vec<Topic>,
    #[serde(rename = "research_type")]
    pub research_types: Vec<ResearchType>,
    /// Where each written name leads, by its `key`.
    #[serde(skip)]
    topic_names: HashMap<String, usize>,
    #[serde(skip)]
    type_names: HashMap<String, usize>,
}

/// One subject that readers may follow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Names the topic in addresses, files and tables, for ever.
    pub slug: String,
    pub name: String,
    /// Other names that files and commands may use.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// One line for a reader who is choosing.
    pub description: String,
    pub name_fr: String,
    pub description_fr: String,
    /// A summary for which no topic is likely is given this one, so that somebody receives it.
    #[serde(default)]
    pub fallback: bool,
    #[serde(default)]
    pub cues: Cues,
}

/// One way of doing research that readers may ask for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResearchType {
    /// Names the type in addresses, files and tables, for ever.
    pub slug: String,
    pub name: String,
    /// Other names that files and commands may use.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// One line for a reader who is choosing.
    pub description: String,
    pub name_fr: String,
    pub description_fr: String,
    #[serde(default)]
    pub cues: Cues,
}

/// The words that speak for an entry in a summary, by how loudly they speak.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cues {
    /// Count in the title and the citation's title alone.
    pub title: Vec<String>,
    pub strong: Vec<String>,
    pub plain: Vec<String>,
    pub faint: Vec<String>,
    /// Look like a cue and are none.
    pub ignore: Vec<String>,
}

/// Why a vocabulary cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VocabularyError {
    #[error("the vocabulary cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    #[error(
        "{kind} '{slug}': a slug is lower-case letters, digits and single hyphens, as in 'client-factors'"
    )]
    Slug { kind: &'static str, slug: String },
    #[error("{kind} '{slug}' has no {field}; write one")]
    Blank {
        kind: &'static str,
        slug: String,
        field: &'static str,
    },
    #[error("two entries have the slug '{slug}' ({kind}); rename or remove one")]
    Twice { kind: &'static str, slug: String },
    #[error("'{name}' names both {kind} '{first}' and '{second}'; take it from one of them")]
    Ambiguous {
        kind: &'static str,
        name: String,
        first: String,
        second: String,
    },
    #[error("topics '{first}' and '{second}' are both marked as fallback; mark one")]
    Fallbacks { first: String, second: String },
    #[error(
        "{kind} '{slug}': the cue '{cue}' begins too vaguely; begin it with a word, or with two letters before a '*'"
    )]
    Cue {
        kind: &'static str,
        slug: String,
        cue: String,
    },
}

impl Vocabulary {
    /// The vocabulary that a new installation starts with.
    pub fn built_in() -> Vocabulary {
        Vocabulary::parse(include_str!("topics.toml")).expect("a test parses the file built in")
    }

    /// Reads an organisation's own vocabulary, and refuses one in which a name could mean two things.
    pub fn parse(text: &str) -> Result<Vocabulary, VocabularyError> {
        let mut vocabulary: Vocabulary = toml::from_str(text)?;
        check("topic", &vocabulary.topics)?;
        check("research type", &vocabulary.research_types)?;
        vocabulary.topic_names = places(&vocabulary.topics);
        vocabulary.type_names = places(&vocabulary.research_types);
        let mut fallbacks = vocabulary.topics.iter().filter(|topic| topic.fallback);
        if let (Some(first), Some(second)) = (fallbacks.next(), fallbacks.next()) {
            return Err(VocabularyError::Fallbacks {
                first: first.slug.clone(),
                second: second.slug.clone(),
            });
        }
        Ok(vocabulary)
    }

    /// The topic that somebody wrote by slug, name or alias; case, accents, hyphens and '&' do not matter.
    pub fn topic(&self, written: &str) -> Option<&Topic> {
        self.topics.get(place(&self.topic_names, written)?)
    }

    /// The type of research that somebody wrote by slug, name or alias, as loosely as `topic` reads.
    pub fn research_type(&self, written: &str) -> Option<&ResearchType> {
        self.research_types.get(place(&self.type_names, written)?)
    }
}

/// Lower-case letters and digits without accents, as words are compared throughout; nothing for a combining accent.
pub(crate) fn fold(letter: char) -> impl Iterator<Item = char> {
    let combining = ('\u{300}'..='\u{36f}').contains(&letter);
    let folded = if combining {
        ""
    } else {
        without_accent(letter)
    };
    let kept = (folded.is_empty() && !combining).then_some(letter);
    folded
        .chars()
        .chain(kept.into_iter().flat_map(char::to_lowercase))
}

/// What topics and types of research share, so that one check and one search serve both.
trait Named {
    fn slug(&self) -> &str;
    fn names(&self) -> [(&'static str, &str); 4];
    fn aliases(&self) -> &[String];
    fn cues(&self) -> &Cues;
}

macro_rules! named {
    ($entry:ty) => {
        impl Named for $entry {
            fn slug(&self) -> &str {
                &self.slug
            }
            fn names(&self) -> [(&'static str, &str); 4] {
                [
                    ("name", &self.name),
                    ("description", &self.description),
                    ("name_fr", &self.name_fr),
                    ("description_fr", &self.description_fr),
                ]
            }
            fn aliases(&self) -> &[String] {
                &self.aliases
            }
            fn cues(&self) -> &Cues {
                &self.cues
            }
        }
    };
}
named!(Topic);
named!(ResearchType);

fn check<T: Named>(kind: &'static str, entries: &[T]) -> Result<(), VocabularyError> {
    let mut owners: HashMap<String, &str> = HashMap::new();
    for entry in entries {
        check_entry(kind, entry)?;
        if owners.insert(key(entry.slug()), entry.slug()) == Some(entry.slug()) {
            return Err(VocabularyError::Twice {
                kind,
                slug: entry.slug().to_owned(),
            });
        }
    }
    for entry in entries {
        let [(_, name), _, (_, name_fr), _] = entry.names();
        for written in [name, name_fr]
            .into_iter()
            .chain(entry.aliases().iter().map(String::as_str))
        {
            claim(kind, written, entry.slug(), &mut owners)?;
        }
    }
    Ok(())
}

fn check_entry<T: Named>(kind: &'static str, entry: &T) -> Result<(), VocabularyError> {
    let slug = entry.slug().to_owned();
    if !is_kebab(&slug) {
        return Err(VocabularyError::Slug { kind, slug });
    }
    if let Some((field, _)) = entry
        .names()
        .into_iter()
        .find(|(_, text)| text.trim().is_empty())
    {
        return Err(VocabularyError::Blank { kind, slug, field });
    }
    if entry.aliases().iter().any(|alias| key(alias).is_empty()) {
        return Err(VocabularyError::Blank {
            kind,
            slug,
            field: "letter or digit in one of its aliases",
        });
    }
    let Cues {
        title,
        strong,
        plain,
        faint,
        ignore,
    } = entry.cues();
    let vague = |cue: &&String| {
        let first = cue.split_whitespace().next().unwrap_or_default();
        key(first).chars().count() < if first.ends_with('*') { 2 } else { 1 }
    };
    if let Some(cue) = [title, strong, plain, faint, ignore]
        .into_iter()
        .flatten()
        .find(vague)
    {
        return Err(VocabularyError::Cue {
            kind,
            slug,
            cue: cue.clone(),
        });
    }
    Ok(())
}

/// Takes a written name for one entry, unless another has it.
fn claim<'a>(
    kind: &'static str,
    written: &str,
    slug: &'a str,
    owners: &mut HashMap<String, &'a str>,
) -> Result<(), VocabularyError> {
    match owners.entry(key(written)) {
        Entry::Vacant(free) => _ = free.insert(slug),
        Entry::Occupied(taken) if *taken.get() != slug => {
            let (name, first, second) = (
                written.to_owned(),
                (*taken.get()).to_owned(),
                slug.to_owned(),
            );
            return Err(VocabularyError::Ambiguous {
                kind,
                name,
                first,
                second,
            });
        }
        Entry::Occupied(_) => {}
    }
    Ok(())
}

/// Where each name of each entry leads.
fn places<T: Named>(entries: &[T]) -> HashMap<String, usize> {
    let mut places = HashMap::new();
    for (place, entry) in entries.iter().enumerate() {
        let [(_, name), _, (_, name_fr), _] = entry.names();
        let aliases = entry.aliases().iter().map(String::as_str);
        for written in [entry.slug(), name, name_fr].into_iter().chain(aliases) {
            places.insert(key(written), place);
        }
    }
    places
}

/// Where a written name leads. Long lists write the slug itself, which stands there as it is compared.
fn place(places: &HashMap<String, usize>, written: &str) -> Option<usize> {
    let found = places.get(written).or_else(|| places.get(&key(written)));
    found.copied()
}

/// A written name as it is compared: its words without case, accents and punctuation, joined by hyphens.
fn key(written: &str) -> String {
    let spelled: String = written
        .replace('&', " and ")
        .chars()
        .flat_map(fold)
        .collect();
    let words = spelled
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

fn is_kebab(slug: &str) -> bool {
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    slug.split('-').all(plain)
}

/// The plain letters for an accented one of the Latin alphabets; empty if there is nothing to change.
pub(crate) fn without_accent(letter: char) -> &'static str {
    match letter {
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' => "a",
        'Æ' | 'æ' => "ae",
        'Ç' | 'ç' | 'Ć'..='č' => "c",
        'Ď'..='đ' => "d",
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' => "e",
        'Ĝ'..='ģ' => "g",
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' => "i",
        'Ĺ'..='ł' => "l",
        'Ñ' | 'ñ' | 'Ń'..='ň' => "n",
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' => "o",
        'Œ' | 'œ' => "oe",
        'Ŕ'..='ř' => "r",
        'Ś'..='š' => "s",
        'ß' => "ss",
        'Ţ'..='ŧ' => "t",
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' => "u",
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' => "y",
        'Ź'..='ž' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(slug: &str, aliases: &str) -> String {
        format!(
            "[[topic]]\nslug='{slug}'\nname='Name of {slug}'\naliases=[{aliases}]\ndescription='d'\nname_fr='Nom de {slug}'\ndescription_fr='d'\n"
        )
    }

    fn refusal(topics: &str) -> String {
        Vocabulary::parse(&format!("research_type = []\n{topics}"))
            .expect_err("the vocabulary should be refused")
            .to_string()
    }

    #[test]
    fn the_built_in_vocabulary_has_the_published_topics_in_their_order() {
        let vocabulary = Vocabulary::built_in();
        assert_eq!(vocabulary.topics.len(), 36);
        assert_eq!(vocabulary.research_types.len(), 7);
        assert_eq!(vocabulary.topics[0].slug, "adherence");
        assert_eq!(vocabulary.topics[35].slug, "treatment-length-and-frequency");
        for topic in &vocabulary.topics {
            assert_eq!(key(&topic.name), topic.slug);
            assert!(topic.description.chars().count() <= 130, "{}", topic.slug);
        }
    }

    #[test]
    fn a_topic_is_found_however_it_is_written() {
        let vocabulary = Vocabulary::built_in();
        for (written, slug) in [
            ("Adherance", "adherence"),
            ("  DEPRESSION ", "depression-and-depressive-symptoms"),
            (
                "depression & depressive-symptoms",
                "depression-and-depressive-symptoms",
            ),
            ("Trauma and/or PTSD", "trauma-and-or-ptsd"),
            ("drop out", "attendance-attrition-and-drop-out"),
            ("Cost effectiveness", "cost-effectiveness"),
            (
                "DEPRESSION ET SYMPTOMES DEPRESSIFS",
                "depression-and-depressive-symptoms",
            ),
        ] {
            assert_eq!(
                vocabulary.topic(written).map(|topic| topic.slug.as_str()),
                Some(slug),
                "{written}"
            );
        }
        assert!(vocabulary.topic("ants").is_none());
        assert!(vocabulary.topic(" - ").is_none());
        assert_eq!(
            vocabulary
                .research_type("RCT")
                .map(|found| found.slug.as_str()),
            Some("randomized-controlled-trial")
        );
    }

    #[test]
    fn a_vocabulary_in_which_a_name_means_two_things_is_refused() {
        let twice = refusal(&(entry("ants", "") + &entry("ants", "")));
        assert!(
            twice.contains("two entries have the slug 'ants'"),
            "{twice}"
        );
        let shared = refusal(&(entry("ants", "'Insects'") + &entry("bees", "'insects'")));
        assert!(
            shared.contains("'insects' names both topic 'ants' and 'bees'"),
            "{shared}"
        );
        let borrowed = refusal(&(entry("ants", "'bees'") + &entry("bees", "")));
        assert!(borrowed.contains("'bees' names both"), "{borrowed}");
    }

    #[test]
    fn a_vocabulary_with_a_bad_slug_an_empty_name_or_an_empty_cue_is_refused() {
        assert!(refusal(&entry("Red Ants", "")).contains("as in 'client-factors'"));
        assert!(refusal(&entry("ants-", "")).contains("topic 'ants-'"));
        assert!(
            refusal(&entry("ants", "").replace("Name of ants", " "))
                .contains("topic 'ants' has no name")
        );
        assert!(refusal(&entry("ants", "' '")).contains("topic 'ants' has no letter"));
        assert!(
            refusal(&(entry("ants", "") + "cues.strong=['* nest']\n")).contains("the cue '* nest'")
        );
        assert!(refusal(&(entry("ants", "") + "legs=6\n")).contains("legs"));
        let fallbacks =
            entry("ants", "") + "fallback=true\n" + &entry("bees", "") + "fallback=true\n";
        assert!(refusal(&fallbacks).contains("'ants' and 'bees' are both marked"));
    }
}
