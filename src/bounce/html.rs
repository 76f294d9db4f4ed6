//! The words of an HTML part, as far as rules want them.

/// The text between tags, with a line for each block; what is not shown (styles, scripts) is left out.
pub(super) fn text(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with("<!--") {
            rest = rest.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let name: String = rest[1..]
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        if name.is_empty() {
            // `<a@b.c>` and `<<<` are words of a server that forgot to escape them.
            text.push('<');
            rest = &rest[1..];
            continue;
        }
        let Some(end) = rest.find('>') else { break };
        if rest[..end].contains('@') && !rest[..end].contains('=') {
            text.push_str(&rest[..=end]);
        }
        match name.as_str() {
            "style" | "script" if !rest.starts_with("</") => {
                let close = format!("</{name}");
                let closes = rest
                    .find(&close)
                    .or_else(|| rest.find(&close.to_ascii_uppercase()));
                rest = closes.map_or("", |at| &rest[at..]);
                rest = rest.split_once('>').map_or("", |(_, after)| after);
                continue;
            }
            "p" | "br" | "div" | "tr" | "li" | "table" | "pre" | "h1" | "h2" | "h3" | "h4" => {
                text.push('\n')
            }
            "td" => text.push(' '),
            _ => {}
        }
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
    unescaped(&text)
}

fn unescaped(text: &str) -> String {
    const NAMES: [(&str, &str); 8] = [
        ("&nbsp;", " "),
        ("&#160;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#64;", "@"),
        ("&amp;", "&"),
    ];
    NAMES.iter().fold(text.to_owned(), |text, (name, letter)| {
        match text.contains(name) {
            true => text.replace(name, letter),
            false => text,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn words_stay_and_tags_go() {
        let html = "<style>p{}</style><p>The address <b>a@b.c</b> is&nbsp;gone</p><!-- x --><br>550 <a@b.c> unknown";
        let words: Vec<String> = text(html).split_whitespace().map(str::to_owned).collect();
        assert_eq!(
            words.join(" "),
            "The address a@b.c is gone 550 <a@b.c> unknown"
        );
        assert_eq!(text("a < b <"), "a < b <");
    }
}
