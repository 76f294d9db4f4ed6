//! Topics asked for, and topics delivered.

use std::collections::{HashMap, HashSet};

use sqlx::types::Json;

use super::ALL_TOPICS;
use crate::campaign;
use crate::content::Selection;
use crate::db::{Tx, on};

/// To how many readers a summary of each topic went.
pub(super) async fn delivered(tx: &mut Tx, campaign: i64) -> sqlx::Result<HashMap<String, i64>> {
    let Json(content) = campaign::content(tx, campaign).await?.0;
    let counts: Vec<(String, i64)> = on!(tx, |conn| {
        sqlx::query_as(
            "SELECT content, count(*) FROM delivery WHERE campaign_id = $1 AND state = 'accepted' GROUP BY content",
        )
        .bind(campaign)
        .fetch_all(conn)
        .await
    })?;
    let mut delivered = HashMap::new();
    for (text, mails) in counts {
        let Ok(selection) = text.parse::<Selection>() else {
            continue;
        };
        let items = selection.full.iter().filter_map(|p| content.item(*p));
        let topics: HashSet<&String> = items.flat_map(|item| &item.summary.topics).collect();
        for topic in topics {
            *delivered.entry(topic.clone()).or_insert(0) += mails;
        }
    }
    Ok(delivered)
}

/// How many active readers asked for each topic.
pub(super) async fn asked(tx: &mut Tx) -> sqlx::Result<Vec<(String, i64)>> {
    let each = match tx {
        Tx::Sqlite(_) => "json_each(c.topics) t",
        Tx::Postgres(_) => "jsonb_array_elements_text(c.topics) t(value)",
    };
    let none = match tx {
        Tx::Sqlite(_) => "c.topics = '[]'",
        Tx::Postgres(_) => "c.topics = CAST('[]' AS jsonb)",
    };
    let sql = format!(
        "WITH chosen AS (SELECT choice_id, count(*) AS readers FROM subscriber WHERE state = 'active' GROUP BY choice_id) \
         SELECT t.value, CAST(sum(chosen.readers) AS BIGINT) FROM chosen JOIN choice c ON c.id = chosen.choice_id, {each} \
           GROUP BY 1 \
         UNION ALL SELECT '{ALL_TOPICS}', CAST(sum(chosen.readers) AS BIGINT) FROM chosen \
           JOIN choice c ON c.id = chosen.choice_id WHERE {none} HAVING sum(chosen.readers) > 0"
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(conn)
        .await)
}
