//! Readers, suppressions and hooks over the API.

use bulletin::audit::{self, Deed};
use bulletin::db::Db;
use bulletin::record;
use bulletin::token::{self, Scope};
use serde_json::{Value, json};

use crate::support::news::{DEPRESSION, EMPATHY};
use crate::support::program::Program;
use crate::support::{News, each_database};

each_database!(readers_are_found_added_changed_and_erased_and_all_of_it_is_written_down);
async fn readers_are_found_added_changed_and_erased_and_all_of_it_is_written_down(db: Db) {
    let news = News::start(db).await;
    let program = Program::start(&news, Scope::ALL).await;
    let ann = json!({
        "address": "Ann@peer.test", "name": "Ann", "topics": [EMPATHY], "time_zone": "Europe/Paris",
        "consent": {"source": "paper form of the conference", "at": "2026-02-01T10:00:00Z"},
    });
    let answered = program
        .ask(
            "POST",
            "/readers",
            "Content-Type: application/json\r\n",
            &ann.to_string(),
        )
        .await;
    assert_eq!(answered.status, 201, "{}", answered.body);
    let added: Value = serde_json::from_str(&answered.body).unwrap();
    let path = format!("/readers/{}", added["id"].as_str().unwrap());
    assert_eq!(answered.location(), format!("/api/v1{path}"));
    assert_eq!(
        (&added["state"], &added["since"]),
        (&json!("active"), &json!("2026-02-01T10:00:00Z"))
    );
    let (status, told) = program.call("POST", "/readers", ann).await;
    assert_eq!(
        (status, &told["errors"][0]["at"]),
        (409, &json!("body /address"))
    );
    let later = json!({"address": "bea@peer.test", "consent": {"source": "form", "at": "2027-01-01T00:00:00Z"}});
    assert_eq!(program.call("POST", "/readers", later).await.0, 409);

    // Without a consent the address is asked, and nobody is told who has it.
    for address in ["carl@peer.test", "ann@peer.test"] {
        let (status, told) = program
            .call("POST", "/readers", json!({"address": address}))
            .await;
        assert_eq!((status, told), (202, json!({"asked": true})));
    }
    news.requests().settle().await.unwrap();
    assert_eq!(
        news.reader("carl@peer.test").await.state.as_str(),
        "pending"
    );

    for (wanted, found) in [
        (json!({"part": "NN@peer"}), 1),
        (json!({"part": "peer.test", "state": "active"}), 1),
        (json!({"topic": DEPRESSION, "state": "active"}), 0),
        (json!({"suppressed": false}), 2),
        (json!({}), 2),
    ] {
        let listed = program
            .done("POST", "/readers/search", wanted.clone())
            .await;
        assert_eq!(listed.as_array().unwrap().len(), found, "{wanted}");
    }
    let part = program.ask("GET", "/readers?limit=1", "", "").await;
    assert!(part.header.contains("rel=\"next\""), "{}", part.header);
    let changed = program
        .done("PATCH", &path, json!({"topics": [], "language": "fr"}))
        .await;
    assert_eq!(
        (&changed["topics"], &changed["language"], &changed["name"]),
        (&json!([]), &json!("fr"), &json!("Ann"))
    );
    let whole = program.done("GET", &path, Value::Null).await;
    assert_eq!(whole["consents"].as_array().unwrap().len(), 2);
    let left = program
        .done("POST", &format!("{path}/unsubscribe"), Value::Null)
        .await;
    assert_eq!(left["state"], "ended");

    let added = program
        .done(
            "POST",
            "/suppressions",
            json!({"address": "dora@peer.test", "note": "wrote to us"}),
        )
        .await;
    assert_eq!(added, json!({"added": true}));
    let dora = json!({"address": "dora@peer.test", "consent": {"source": "form"}});
    assert_eq!(
        program.call("POST", "/readers", dora).await.0,
        409,
        "a suppression wins"
    );
    let listed = program.done("GET", "/suppressions", Value::Null).await;
    assert_eq!(
        (listed[0]["reason"].as_str(), &listed[0]["address"]),
        (Some("manual"), &Value::Null)
    );
    let lift = json!({"address": "dora@peer.test", "note": "she asked for it"});
    assert_eq!(
        program
            .done("POST", "/suppressions/lift", lift.clone())
            .await,
        json!({"released": "manual"})
    );
    assert_eq!(
        program.call("POST", "/suppressions/lift", lift).await.0,
        404
    );

    assert_eq!(program.call("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(program.call("GET", &path, Value::Null).await.0, 404);
    assert!(news.is_suppressed("ann@peer.test").await);

    let hook = json!({"url": "https://hook.test/x", "events": ["bounced", "bounced"]});
    let made = program.done("POST", "/hooks", hook).await;
    let hook = format!("/hooks/{}", made["id"].as_str().unwrap());
    assert_eq!(
        program.done("GET", "/hooks", Value::Null).await[0]["events"],
        json!(["bounced"])
    );
    program
        .done("POST", &format!("{hook}/test"), Value::Null)
        .await;
    assert_eq!(program.call("DELETE", &hook, Value::Null).await.0, 204);
    assert_eq!(program.call("DELETE", &hook, Value::Null).await.0, 404);

    let mut tx = news.db.read().await.unwrap();
    let token = token::by_id(&mut tx, program.id).await.unwrap().unwrap();
    assert_eq!(token.used_at, Some(news.now()));
    let deeds = audit::newest(&mut tx, None, 100).await.unwrap();
    assert!(
        deeds
            .iter()
            .all(|line| line.who == token.who() && !line.subject.contains('@'))
    );
    for deed in [
        Deed::ReaderAdded,
        Deed::ReaderAsked,
        Deed::ReaderChanged,
        Deed::ReaderUnsubscribed,
        Deed::ReaderErased,
        Deed::AddressSuppressed,
        Deed::AddressReleased,
    ] {
        assert!(deeds.iter().any(|line| line.deed == deed), "{deed}");
    }
    // Five searches, a list, one reader twice, and the suppressions.
    let readings = record::newest(&mut tx, None, 100).await.unwrap();
    assert_eq!(readings.len(), 9, "{readings:?}");
}
