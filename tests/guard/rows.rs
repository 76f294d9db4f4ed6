//! S5, T20, T28. Every address there is stands in `who_may.txt` with who may use it: one that is new, or lets in somebody
//! else, fails here until a person has written it down there.

use std::collections::BTreeSet;
use std::path::Path;

use bulletin::admin::Role;
use bulletin::db::Db;
use bulletin::token::Scope;
use bulletin::web::api;
use bulletin::web::desk::{self, Kind, Who};
use bulletin::web::server::Patience;
use bulletin::web::status::{self, Status};

use crate::support::editor::{Editor, routes};
use crate::support::news::{DEPRESSION, issue};
use crate::support::pages::Pages;
use crate::support::program::Program;
use crate::support::{News, each_database, root};

/// A person's word for it.
const WHO_MAY: &str = include_str!("who_may.txt");

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
];

#[test]
fn every_address_is_written_down_with_who_may_use_it() {
    let written: BTreeSet<&str> = WHO_MAY
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let mut there = of_the_desk();
    there.extend(of_the_api());
    there.extend(of_the_site().into_iter().map(|path| format!("site {path}")));
    let unknown: Vec<&String> = there
        .iter()
        .filter(|line| !written.contains(&***line))
        .collect();
    let gone: Vec<&&str> = written
        .iter()
        .filter(|line| !there.contains(**line))
        .collect();
    assert!(
        unknown.is_empty() && gone.is_empty(),
        "tests/guard/who_may.txt lacks {unknown:#?} and has {gone:#?} which is not there"
    );
}

fn of_the_desk() -> BTreeSet<String> {
    let rows = desk::table().into_iter();
    let line = |route: desk::Route| {
        let who = match route.who {
            Who::Anyone => "anyone".to_owned(),
            Who::Admin(role) => role.to_string(),
            Who::Fresh(role) => format!("{role}, proved within ten minutes"),
        };
        format!("desk {} {} {who}", route.method(), route.path)
    };
    rows.map(line).collect()
}

fn of_the_api() -> BTreeSet<String> {
    let rows = api::table().into_iter();
    rows.map(|row| format!("api {} {} {}", row.method, row.path, row.scope))
        .collect()
}

/// The addresses that are written into a router anywhere, and are no row of a table.
fn of_the_site() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in sources(&root().join("src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for part in [".route(", ".nest(", ".route_service("]
            .iter()
            .flat_map(|call| text.split(call).skip(1))
        {
            let argument = part.trim_start();
            if let Some((path, _)) = argument
                .strip_prefix('"')
                .and_then(|rest| rest.split_once('"'))
            {
                found.insert(path.to_owned());
            }
        }
    }
    found
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let of = |path: std::path::PathBuf| match path.is_dir() {
        true => sources(&path),
        false => vec![path],
    };
    entries
        .flat_map(of)
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .collect()
}

/// A path with something in each of its holes.
fn filled(path: &str) -> String {
    path.replace("{month}", "2026-03")
        .replace("{slug}", DEPRESSION)
        .replace("{id}", "00000000-0000-4000-8000-000000000000")
        .replace(['{', '}', '*'], "")
}

each_database!(every_answer_of_every_address_to_everybody_is_guarded);
async fn every_answer_of_every_address_to_everybody_is_guarded(db: Db) {
    let news = News::start(db).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    let status = Status::new(
        news.db.clone(),
        news.clock(),
        news.standing.clone(),
        news.metrics.clone(),
    );
    let all = routes(&news).merge(status::public_routes(status));
    let nobody = Editor {
        cookie: String::new(),
        ..Editor::sign_in_at(&news, Role::Viewer, all).await
    };
    let owner = nobody.beside(&news, Role::Owner).await;
    let token = Program::start(&news, Scope::ALL).await.token;
    let bearer = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
    let mut paths: BTreeSet<String> = of_the_site().iter().map(|path| filled(path)).collect();
    paths.extend(desk::table().iter().map(|route| filled(route.path)));
    paths.extend(
        api::table()
            .iter()
            .map(|row| format!("/api/v1{}", filled(row.path))),
    );
    paths.extend(
        [
            "/nothing",
            "/desk/nothing",
            "/.git/config",
            "/index.php",
            "/desk/people/x",
            "/desk/audit?before=x",
        ]
        .map(str::to_owned),
    );
    let mut answers = 0;
    for path in &paths {
        for method in METHODS {
            for header in [
                String::new(),
                owner.of_a_page(),
                bearer.clone(),
                "Content-Type: text/xml\r\n".to_owned(),
            ] {
                let answer = nobody.ask(method, path, &header, "").await;
                let what = format!("{method} {path}: {}", answer.status);
                assert!(answer.status < 500, "{what} {}", answer.body);
                assert!(
                    !matches!(method, "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "TRACE")
                        || answer.status >= 400
                        || path.starts_with("/api/v1"),
                    "{what}"
                );
                guarded(&what, path, &answer.header, &answer.body);
                let is_owners = header.contains("Cookie") && path.starts_with("/desk/");
                if is_owners && method == "GET" && answer.status >= 400 && answer.status != 405 {
                    assert!(
                        answer.header.contains("text/html"),
                        "{what}: {}",
                        answer.body
                    );
                }
                answers += 1;
            }
        }
    }
    assert!(answers > 4_000, "{answers}");
}

/// What stands on every answer, and what on none.
fn guarded(what: &str, path: &str, header: &str, body: &str) {
    let is_own = path.starts_with("/api")
        || (path.starts_with("/desk") && !path.contains("style.css") && !path.ends_with(".js"));
    let referrer = match path.starts_with("/desk") {
        true => "referrer-policy: ",
        false => "referrer-policy: no-referrer",
    };
    // A mail is shown in a frame of ours, in which nothing runs and nothing is sent.
    let is_framed = path.ends_with("/mail/frame") && header.contains("sandbox;");
    let [frames, forms, options] = match is_framed {
        true => [
            "frame-ancestors 'self'",
            "form-action 'none'",
            "x-frame-options: sameorigin",
        ],
        false => [
            "frame-ancestors 'none'",
            "form-action 'self'",
            "x-frame-options: deny",
        ],
    };
    for field in [
        "content-security-policy: ",
        "default-src 'none'",
        "base-uri 'none'",
        frames,
        forms,
        options,
        referrer,
        "x-content-type-options: nosniff",
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
    ] {
        assert!(header.contains(field), "{what} lacks {field}: {header}");
    }
    assert!(
        !is_own || header.contains("cache-control: no-store"),
        "{what}: {header}"
    );
    for field in [
        "\r\nserver:",
        "\r\nx-powered-by:",
        "\r\naccess-control-",
        "unsafe-inline",
        "unsafe-eval",
    ] {
        let is_wrong = header.contains(field) && !(is_framed && field == "unsafe-inline");
        assert!(!is_wrong, "{what} has {field}: {header}");
    }
    for inline in [
        "<script>",
        " style=\"",
        " onclick=",
        " onload=",
        "javascript:",
    ] {
        assert!(is_framed || !body.contains(inline), "{what} has {inline}");
    }
}

each_database!(who_is_signed_in_sees_the_same_site_as_everybody);
async fn who_is_signed_in_sees_the_same_site_as_everybody(db: Db) {
    let news = News::start(db).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    let owner = Editor::sign_in(&news, Role::Owner).await;
    let pages = Pages::of(routes(&news), Patience::default()).await;
    // In forms that ask for a letter stands when they were made.
    let same =
        |path: &&String| !matches!(&***path, "/" | "/fr" | "/fr/" | "/subscribe" | "/manage");
    for path in of_the_site()
        .iter()
        .map(|path| filled(path))
        .collect::<BTreeSet<_>>()
        .iter()
        .filter(same)
    {
        let (status, header, body) = pages.ask("GET", path, "").await;
        let seen = owner.get(path).await;
        assert_eq!((seen.status, &seen.body), (status, &body), "{path}");
        assert!(
            !header.contains("set-cookie") && !seen.header.contains("set-cookie"),
            "{path}"
        );
    }
}

#[test]
fn every_form_of_the_desk_is_a_post_and_no_page_is() {
    for route in desk::table() {
        let is_page = route.kind == Kind::Page;
        assert_eq!(route.method() == "GET", is_page, "{}", route.path);
    }
}
