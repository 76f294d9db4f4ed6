//! The record of what was done in the desk, and over its interface for programs: who, what, when, to how many. It is only
//! ever added to; each line's code covers the line and the code before, so that a change shows. It names no reader.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::db::{Tx, on, row, time, word};
use crate::secret::Keys;

word! {
    /// What somebody did.
    pub enum Deed {
        SignedIn = "signed_in",
        SignedOut = "signed_out",
        /// All other sessions of one's own were ended.
        EndedSessions = "ended_sessions",
        AdminAdded = "admin_added",
        AdminChanged = "admin_changed",
        AdminEnded = "admin_ended",
        PasswordLinkMade = "password_link_made",
        PasswordSet = "password_set",
        SecondFactorSet = "second_factor_set",
        SecondFactorRemoved = "second_factor_removed",
        TokenMade = "token_made",
        TokenRevoked = "token_revoked",
        HookMade = "hook_made",
        HookEnded = "hook_ended",
        /// A draft, or what a program gave, was taken into the archive.
        IssueKept = "issue_kept",
        DraftDiscarded = "draft_discarded",
        /// Issues of a file were taken over.
        IssuesBroughtIn = "issues_brought_in",
        /// A test went to some addresses.
        ProofSent = "proof_sent",
        ReaderAdded = "reader_added",
        /// Somebody was asked by mail whether they want to be a reader.
        ReaderAsked = "reader_asked",
        ReaderChanged = "reader_changed",
        ReaderUnsubscribed = "reader_unsubscribed",
        ReaderErased = "reader_erased",
        ReadersImported = "readers_imported",
        ReadersExported = "readers_exported",
        /// Many readers are to be changed; the subject is the topic or the change.
        ErrandBegun = "errand_begun",
        ErrandStopped = "errand_stopped",
        AddressSuppressed = "address_suppressed",
        AddressReleased = "address_released",
        KeptMailDropped = "kept_mail_dropped",
        /// An issue was ordered to be sent, and waits for a second person.
        SendAsked = "send_asked",
        /// An issue was ordered to be sent, or agreed to.
        SendOrdered = "send_ordered",
        /// An order was taken back, or its campaign called back before its first mail.
        SendTakenBack = "send_taken_back",
        CampaignPaused = "campaign_paused",
        CampaignResumed = "campaign_resumed",
        CampaignCancelled = "campaign_cancelled",
        /// Deliveries of a campaign were put into the queue again.
        SentAgain = "sent_again",
    }
}

row! {
    /// One line of the record.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct Line {
        pub id: i64,
        pub at: DateTime<Utc>,
        /// An admin's name, or a user of the host.
        pub who: String,
        pub deed: Deed,
        /// A month, or the name of an account; never a reader.
        pub subject: String,
        /// How many it was done to: readers, mails, files.
        pub count: i64,
        #[serde(skip)]
        pub code: Vec<u8>,
    }
}

/// What is to be written down.
#[derive(Clone, Copy, Debug)]
pub struct Done<'a> {
    pub who: &'a str,
    pub deed: Deed,
    pub subject: &'a str,
    pub count: i64,
}

/// What reading the record through came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// So many lines, each as it was written.
    Whole(i64),
    /// That line, or one before it, is not as it was written.
    Broken(i64),
    /// Lines are missing at the end: there were so many.
    CutOff(i64),
}

/// What stands before the name of a token where a program did something.
pub const PROGRAM: &str = "token ";

/// What stands behind the name of a user of the machine, who did it by a command.
pub const ON_THE_HOST: &str = " on the host";

/// Lines that are read at a time.
const PAGE: i64 = 1_000;

/// Adds a line, in the transaction that does what it says.
pub async fn add(
    tx: &mut Tx,
    keys: &Keys,
    done: &Done<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let (lines, before) = end(tx).await?;
    let mut line = Line {
        id: lines + 1,
        at: now,
        who: done.who.to_owned(),
        deed: done.deed,
        subject: done.subject.to_owned(),
        count: done.count,
        code: Vec::new(),
    };
    line.code = code(keys, &before, &line).to_vec();
    insert(tx, &line).await?;
    on!(tx, |conn| {
        sqlx::query("UPDATE audit_end SET lines = $1, code = $2")
            .bind(line.id)
            .bind(line.code)
            .execute(conn)
            .await
            .map(drop)
    })
}

/// The newest lines first, at most `limit`, all older than line `before` where one is named.
pub async fn newest(tx: &mut Tx, before: Option<i64>, limit: i64) -> sqlx::Result<Vec<Line>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT id, at, who, deed, subject, count, code FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(conn)
        .await
    })
}

/// Whether every line stands as it was written.
pub async fn verify(tx: &mut Tx, keys: &Keys) -> sqlx::Result<Verdict> {
    let (mut id, mut before) = (0, Vec::new());
    loop {
        let page = after(tx, id).await?;
        if page.is_empty() {
            break;
        }
        for line in page {
            if line.id != id + 1 || code(keys, &before, &line)[..] != line.code {
                return Ok(Verdict::Broken(id + 1));
            }
            (id, before) = (line.id, line.code);
        }
    }
    let (lines, last) = end(tx).await?;
    Ok(match lines == id && last == before {
        true => Verdict::Whole(id),
        false => Verdict::CutOff(lines),
    })
}

/// Lines from the one after `id` on, oldest first.
pub async fn after(tx: &mut Tx, id: i64) -> sqlx::Result<Vec<Line>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT id, at, who, deed, subject, count, code FROM audit WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(id)
        .bind(PAGE)
        .fetch_all(conn)
        .await
    })
}

/// How many lines there are, and the code of the last. Whoever writes comes in turn.
async fn end(tx: &mut Tx) -> sqlx::Result<(i64, Vec<u8>)> {
    let sql = match tx {
        Tx::Sqlite(_) => "SELECT lines, code FROM audit_end",
        Tx::Postgres(_) => "SELECT lines, code FROM audit_end FOR UPDATE",
    };
    on!(tx, |conn| sqlx::query_as(sql).fetch_one(conn).await)
}

async fn insert(tx: &mut Tx, line: &Line) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO audit (id, at, who, deed, subject, count, code) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(line.id)
        .bind(line.at)
        .bind(&line.who)
        .bind(line.deed.as_str())
        .bind(&line.subject)
        .bind(line.count)
        .bind(&line.code)
        .execute(conn)
        .await
        .map(drop)
    })
}

/// Each part with its length before it, so that no two lines come to the same text.
fn code(keys: &Keys, before: &[u8], line: &Line) -> [u8; 32] {
    let (id, at, count) = (line.id.to_string(), time(line.at), line.count.to_string());
    let parts = [
        before,
        id.as_bytes(),
        at.as_bytes(),
        line.who.as_bytes(),
        line.deed.as_str().as_bytes(),
        line.subject.as_bytes(),
        count.as_bytes(),
    ];
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(&(part.len() as u64).to_be_bytes());
        body.extend_from_slice(part);
    }
    keys.code_over("audit", &body)
}
