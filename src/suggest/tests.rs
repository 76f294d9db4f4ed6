use super::*;

fn told(title: &str, text: &str) -> Summary {
    Summary {
        title: title.to_owned(),
        summary: vec![text.to_owned()],
        ..Summary::default()
    }
}

fn suggester() -> Suggester {
    Suggester::new(&Vocabulary::built_in())
}

fn topics(title: &str, text: &str) -> Vec<String> {
    suggester()
        .topics(&told(title, text))
        .into_iter()
        .map(|suggestion| suggestion.slug)
        .collect()
}

fn has(topics: &[String], wanted: &str) -> bool {
    topics.iter().any(|slug| slug.starts_with(wanted))
}

#[test]
fn a_suggestion_shows_the_words_as_they_stand_in_the_text() {
    let text =
        "In this study of Dépression, the clients’ DROP–OUT rates and drop-outs were counted.";
    let suggestions = suggester().topics(&told("Who Leaves?", text));
    let depression = suggestions
        .iter()
        .find(|found| found.slug.starts_with("depression"))
        .expect("found");
    assert_eq!(depression.because, ["Dépression"]);
    let leaving = suggestions
        .iter()
        .find(|found| found.slug.starts_with("attendance"))
        .expect("found");
    assert_eq!(
        leaving.because,
        ["drop-outs"],
        "a dash parts phrases, a hyphen does not"
    );
    assert!(
        suggestions
            .iter()
            .all(|found| (LIKELY..1.0).contains(&found.score))
    );
}

#[test]
fn british_and_american_spelling_and_abbreviations_are_one() {
    for text in [
        "cognitive behavioural therapy",
        "Cognitive-Behavioral Therapy",
        "CBT",
        "iCBT",
    ] {
        assert!(
            has(
                &topics("A Trial", &format!("In this trial, {text} was given.")),
                "cognitive-therapy"
            ),
            "{text}"
        );
    }
    for text in [
        "PTSD",
        "post-traumatic stress",
        "posttraumatic stress",
        "patients' traumas",
    ] {
        assert!(
            has(
                &topics("A Trial", &format!("In this trial, {text} was treated.")),
                "trauma"
            ),
            "{text}"
        );
    }
}

#[test]
fn a_list_of_examples_does_not_carry_a_topic() {
    let rest = "The rest of this paragraph tells of other things at length, such as the weather. "
        .repeat(25);
    let listed = format!("Many troubles were named (depression, anxiety, PTSD). {rest}");
    let unbracketed = format!("People had depression, panic disorder, and trauma. {rest}");
    for text in [listed, unbracketed] {
        assert_eq!(
            topics("A Study of Troubles", &text),
            ["miscellaneous"],
            "{text}"
        );
    }
    assert!(
        has(
            &topics("Depression, Anxiety, and PTSD", &rest),
            "depression"
        ),
        "a title is never in passing"
    );
}

#[test]
fn a_word_that_only_looks_like_a_cue_is_passed_over() {
    let personality = topics(
        "A Trial",
        "In this trial, people with obsessive-compulsive personality disorder took part.",
    );
    assert!(
        has(&personality, "personality") && !has(&personality, "anxiety"),
        "{personality:?}"
    );
    let left = topics(
        "A Trial",
        "In this trial, premature termination was common. Premature termination cost much.",
    );
    assert!(
        has(&left, "attendance") && !has(&left, "termination"),
        "{left:?}"
    );
    assert!(!has(
        &topics("A Trial", "The control group waited. Control groups wait."),
        "group"
    ));
}

#[test]
fn a_repeated_faint_word_carries_nothing() {
    assert_eq!(
        topics("On Warmth", &"Therapists have warmth. ".repeat(200)),
        ["miscellaneous"]
    );
}

#[test]
fn the_study_at_hand_decides_the_type_and_not_those_it_mentions() {
    let text =
        "Recent meta-analyses show much. In this narrative review, Doe looked at 44 studies.";
    assert_eq!(
        suggester().research_types(&told("Burnout", text))[0].slug,
        "review-or-theory"
    );
    let text = "In this meta-analysis, Doe and colleagues found 12 randomized controlled trials.";
    assert_eq!(
        suggester().research_types(&told("Burnout", text))[0].slug,
        "meta-analysis"
    );
}

#[test]
fn a_summary_without_words_has_the_fallback_and_no_type() {
    let suggester = suggester();
    let nothing = suggester.topics(&Summary::default());
    assert_eq!(
        (nothing[0].slug.as_str(), nothing[0].because.len()),
        ("miscellaneous", 0)
    );
    assert!(suggester.research_types(&Summary::default()).is_empty());
}

#[test]
fn hostile_text_is_read_in_one_pass() {
    let suggester = suggester();
    for piece in [
        "a",
        "co ",
        ", and ",
        "(",
        "é’s ",
        "\u{301}",
        "depress",
        "this ",
        "ß=İ. ",
        "combin psychotherapy ",
    ] {
        let text = piece.repeat(200_000 / piece.len());
        let summary = Summary {
            citation: Some(text.clone()),
            ..told(&text, &text)
        };
        assert!(
            suggester
                .topics(&summary)
                .iter()
                .all(|found| found.because.iter().all(|words| words.len() < 400))
        );
        suggester.research_types(&summary);
    }
}
