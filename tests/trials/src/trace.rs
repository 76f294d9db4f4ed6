//! A trace of the service's calls, as strace writes it: was each outcome durable before its connection went on?
//!
//! strace holds each thread at its calls, so that what one thread causes in another stands below its cause.

use std::collections::{HashMap, HashSet};

use anyhow::bail;

/// The calls that must be traced, with the names of their files (`-f -y`).
pub const CALLS: &str = "fcntl,pwrite64,fdatasync,fsync,read,recvfrom,write,writev,sendto";

/// So much of each text: replies, commands and statements are shorter, and so are the rows that a round claims.
pub const LONGEST_TEXT: &str = "16384";

/// Where SQLite's writers lock the file beside the log: byte 120, by its file format.
const WRITE_LOCK: &str = "l_type=F_WRLCK, l_whence=SEEK_SET, l_start=120,";

/// What an honest trace showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// SMTP connections.
    pub connections: usize,
    /// Replies to a final dot.
    pub replies: usize,
    /// Those after which the same connection said MAIL again.
    pub followed: usize,
    /// Transactions that were made durable.
    pub commits: usize,
}

/// Fails with the first connection that says MAIL before a transaction that began after the reply to its last final
/// dot has been made durable, and with the line of the trace where it does.
pub fn judge(trace: &str) -> anyhow::Result<Order> {
    let mut reading = Reading::default();
    let mut unfinished: HashMap<&str, (&str, usize)> = HashMap::new();
    for (number, line) in (1..).zip(trace.lines()) {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(begun) = rest.strip_suffix("<unfinished ...>") {
            unfinished.insert(thread, (begun, number));
            reading.begins(begun, number)?;
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            // A trace may begin in the middle of a call.
            if let Some((begun, began)) = unfinished.remove(thread) {
                let end = resumed.split_once("resumed>").map_or("", |(_, end)| end);
                reading.ends(thread, &format!("{begun}{end}"), began, number);
            }
        } else {
            reading.begins(rest, number)?;
            reading.ends(thread, rest, number, number);
        }
    }
    Ok(reading.order)
}

/// What has been read so far. Moments are lines of the trace.
#[derive(Default)]
struct Reading<'t> {
    connections: HashMap<String, Connection>,
    /// SQLite's writers, each in a thread of its own.
    writers: HashMap<&'t str, Transaction>,
    /// With PostgreSQL.
    sessions: HashMap<String, Session>,
    /// The last moment at which a transaction began that is durable now.
    durable: usize,
    order: Order,
}

#[derive(Default)]
struct Connection {
    /// A reply that has not ended yet.
    partial: String,
    /// The relay waits for a message, up to its final dot.
    in_message: bool,
    /// When the reply to the last final dot was read, until the next MAIL.
    answered: Option<usize>,
}

#[derive(Default)]
struct Transaction {
    began: Option<usize>,
    /// It was written to the log, or its end was asked for.
    written: Option<usize>,
}

impl Transaction {
    fn begun(now: usize) -> Transaction {
        Transaction {
            began: Some(now),
            written: None,
        }
    }
}

impl<'t> Reading<'t> {
    /// A call begins: it says something, or asks for a transaction.
    fn begins(&mut self, call: &str, now: usize) -> anyhow::Result<()> {
        let Some((name, file)) = name_and_file(call) else {
            return Ok(());
        };
        if !matches!(name, "write" | "writev" | "sendto") || !file.starts_with("socket:") {
            return Ok(());
        }
        if let Some(connection) = self.connections.get_mut(file) {
            if !connection.in_message && call.contains("MAIL FROM:<") {
                let answered = connection.answered.take();
                self.order.followed += usize::from(answered.is_some());
                if let Some(answered) = answered.filter(|answered| *answered >= self.durable) {
                    let said = call.split(r"\r\n").next().unwrap_or_default();
                    bail!(
                        "{file} said MAIL in line {now}, and nothing that began after the reply in line {answered} \
                         was durable: {said}"
                    );
                }
            }
            return Ok(());
        }
        let session = self.sessions.entry(file.to_owned()).or_default();
        session.says(text(call).unwrap_or_default(), now);
        Ok(())
    }

    /// A call has ended, and well.
    fn ends(&mut self, thread: &'t str, call: &str, began: usize, now: usize) {
        let Some((name, file)) = name_and_file(call) else {
            return;
        };
        if has_failed(call) {
            return;
        }
        match name {
            "fcntl" if file.ends_with("-shm") && call.contains(WRITE_LOCK) => {
                self.writers.insert(thread, Transaction::begun(began));
            }
            "pwrite64" if file.ends_with("-wal") => {
                self.writers.entry(thread).or_default().written = Some(now);
            }
            "fdatasync" | "fsync" if file.ends_with("-wal") => {
                let writer = self.writers.get_mut(thread);
                let written = writer.filter(|writer| writer.written.is_some_and(|at| at <= began));
                if let Some(at) = written.and_then(|writer| writer.began.take()) {
                    self.made_durable(at);
                }
            }
            "read" | "recvfrom" if file.starts_with("socket:") => self.hears(file, call, now),
            _ => {}
        }
    }

    fn hears(&mut self, file: &str, call: &str, now: usize) {
        let Some(text) = text(call) else {
            return;
        };
        if text.starts_with("220 ") && !self.connections.contains_key(file) {
            self.sessions.remove(file);
            self.connections
                .insert(file.to_owned(), Connection::default());
            self.order.connections += 1;
        }
        if let Some(connection) = self.connections.get_mut(file) {
            self.order.replies += connection.hears(text, now);
        } else if let Some(session) = self.sessions.get_mut(file)
            && let Some(at) = session.hears(text)
        {
            self.made_durable(at);
        }
    }

    fn made_durable(&mut self, began: usize) {
        self.durable = self.durable.max(began);
        self.order.commits += 1;
    }
}

/// A session with PostgreSQL, which is asked for one thing after the other.
#[derive(Default)]
struct Session {
    /// The names of prepared statements that change rows.
    writing: HashSet<String>,
    /// The transaction between BEGIN and COMMIT.
    explicit: Transaction,
    /// A statement that is a transaction by itself; "written" once its answer has begun.
    alone: Transaction,
    /// What has come of an answer that is not whole yet.
    partial: String,
}

/// PostgreSQL is ready for the next statement, outside of a transaction.
const READY: &str = r"Z\0\0\0\5I";

impl Session {
    fn says(&mut self, text: &str, now: usize) {
        if text.contains(r"BEGIN\0") {
            self.explicit = Transaction::begun(now);
        } else if text.contains(r"ROLLBACK\0") {
            self.explicit = Transaction::default();
        } else if text.contains(r"COMMIT\0") {
            self.explicit.written = Some(now);
        } else if let Some(name) = statement(text) {
            let changes = ["INSERT ", "UPDATE ", "DELETE "];
            if changes.iter().any(|word| text.contains(word)) {
                self.writing.insert(name.to_owned());
            } else if self.explicit.began.is_none() && self.writing.contains(name) {
                self.alone = Transaction::begun(now);
            }
        }
    }

    /// When the transaction began that is durable by this answer. Answers come in pieces, too.
    fn hears(&mut self, text: &str) -> Option<usize> {
        self.partial.push_str(text);
        let durable = self.is_answered();
        if self.partial.ends_with(READY) {
            self.partial.clear();
        }
        durable
    }

    fn is_answered(&mut self) -> Option<usize> {
        let answer = self.partial.as_str();
        if self.explicit.began.is_some() {
            let is_over = self.explicit.written.is_some() && answer.contains(r"COMMIT\0Z");
            return self.explicit.began.take_if(|_| is_over);
        }
        if answer.contains(r"SERROR\0") {
            self.alone = Transaction::default();
        }
        if answer.starts_with(r"2\0\0\0\4") {
            self.alone.written = self.alone.began;
        }
        let is_over = self.alone.written.is_some() && answer.ends_with(READY);
        self.alone.began.take_if(|_| is_over)
    }
}

impl Connection {
    /// Replies come as they come: several at once, or in pieces. How many of them answered a final dot.
    fn hears(&mut self, text: &str, now: usize) -> usize {
        let mut answers = 0;
        self.partial.push_str(text);
        while let Some((line, rest)) = self.partial.split_once(r"\r\n") {
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            if is_last && self.in_message {
                self.in_message = false;
                self.answered = Some(now);
                answers += 1;
            } else if is_last {
                self.in_message = line.starts_with("354");
            }
            self.partial = rest.to_owned();
        }
        answers
    }
}

/// `fdatasync(9</place/bulletin.db-wal>)` -> `fdatasync`, `/place/bulletin.db-wal`.
fn name_and_file(call: &str) -> Option<(&str, &str)> {
    let (name, arguments) = call.split_once('(')?;
    let (_, file) = arguments.split_once('<')?;
    let (file, _) = file.split_once('>')?;
    Some((name, file))
}

/// The first text among its arguments, as strace escapes it.
fn text(call: &str) -> Option<&str> {
    let (_, text) = call.split_once('"')?;
    let mut is_escaped = false;
    let end = text.find(|letter| {
        let is_end = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        is_end
    })?;
    Some(&text[..end])
}

/// The name by which sqlx has a statement prepared, and asks for it later.
fn statement(text: &str) -> Option<&str> {
    let at = text.find("sqlx_s_")?;
    text[at..].split('\\').next()
}

fn has_failed(call: &str) -> bool {
    call.rsplit_once(" = ")
        .is_none_or(|(_, result)| result.starts_with('-') || result.starts_with('?'))
}

/// A check that cannot fail is no check: each way to go on too early is made up here once, and must be found.
#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = "1 recvfrom(9<socket:[7]>, \"220 peer\\r\\n\", 8192) = 10\n";
    const REPLIES: &str =
        "1 recvfrom(9<socket:[7]>, \"250 OK\\r\\n250 OK\\r\\n354 Go on\\r\\n\", 8192) = 27\n";
    const BODY: &str =
        "1 writev(9<socket:[7]>, [{iov_base=\"Subject: MAIL FROM:<\", iov_len=20}], 1) = 20\n";
    const TAKEN: &str = "1 recvfrom(9<socket:[7]>, \"250 OK\\r\\n\", 8192) = 8\n";
    const MAIL: &str = "1 sendto(9<socket:[7]>, \"MAIL FROM:<b@news.test>\\r\\n\", 25) = 25\n";
    const LOCK: &str = "2 fcntl(5</d/b.db-shm>, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=120, l_len=1}) = 0\n";
    const WRITE: &str = "2 pwrite64(4</d/b.db-wal>, \"\", 4096, 32) = 4096\n";
    const FLUSH: &str = "2 fdatasync(4</d/b.db-wal>) = 0\n";
    const FLUSH_BEGINS: &str = "2 fdatasync(4</d/b.db-wal> <unfinished ...>\n";
    const FLUSH_ENDS: &str = "2 <... fdatasync resumed>) = 0\n";
    const BEGIN: &str = "1 sendto(8<socket:[6]>, \"Q\\0\\0\\0\\nBEGIN\\0\", 11) = 11\n";
    const COMMIT: &str = "1 sendto(8<socket:[6]>, \"Q\\0\\0\\0\\vCOMMIT\\0\", 12) = 12\n";
    const DONE: &str =
        "1 recvfrom(8<socket:[6]>, \"C\\0\\0\\0\\vCOMMIT\\0Z\\0\\0\\0\\5I\", 8192) = 18\n";

    const PREPARE: &str = "1 sendto(8<socket:[6]>, \"P\\0\\0\\4\\1sqlx_s_7\\0WITH me AS (UPDATE delivery SET\\0\\0\", 99) = 99\n";
    const PREPARED: &str =
        "1 recvfrom(8<socket:[6]>, \"1\\0\\0\\0\\4Z\\0\\0\\0\\5I\", 8192) = 11\n";
    const ASK: &str = "1 sendto(8<socket:[6]>, \"B\\0\\0\\0\\25\\0sqlx_s_7\\0\\0\\1\", 99) = 99\n";
    const ANSWER: &str = "1 recvfrom(8<socket:[6]>, \"2\\0\\0\\0\\4C\\0\\0\\0\\rSELECT 1\\0Z\\0\\0\\0\\5I\", 8192) = 25\n";
    const ERROR: &str = "1 recvfrom(8<socket:[6]>, \"E\\0\\0\\0fSERROR\\0VERROR\\0C40001\\0Z\\0\\0\\0\\5I\", 8192) = 99\n";
    const ROLLBACK: &str = "1 sendto(8<socket:[6]>, \"Q\\0\\0\\0\\rROLLBACK\\0\", 19) = 19\n";
    const LOOK: &str = "1 sendto(8<socket:[6]>, \"B\\0\\0\\0\\25\\0sqlx_s_8\\0\\0\\1\", 99) = 99\n";

    fn after_a_mail(calls: &[&str]) -> anyhow::Result<Order> {
        let before = [HELLO, MAIL, REPLIES, BODY, TAKEN];
        judge(&[&before[..], calls].concat().concat())
    }

    #[test]
    fn an_outcome_that_is_durable_before_the_next_mail_passes() {
        let followed = Order {
            connections: 1,
            replies: 1,
            followed: 1,
            commits: 1,
        };
        let pieces = [
            "1 recvfrom(8<socket:[6]>, \"2\\0\\0\", 3) = 3\n",
            "1 recvfrom(8<socket:[6]>, \"\\0\\4C\\0\\0\\0\\rSELECT 1\\0Z\\0\", 8192) = 18\n",
            "1 recvfrom(8<socket:[6]>, \"\\0\\0\\5I\", 8192) = 4\n",
        ];
        let commits: [&[&str]; 6] = [
            &[LOCK, WRITE, FLUSH, MAIL],
            &[LOCK, WRITE, FLUSH_BEGINS, FLUSH_ENDS, MAIL],
            &[BEGIN, COMMIT, DONE, MAIL],
            &[PREPARE, PREPARED, ASK, ANSWER, MAIL],
            &[PREPARE, PREPARED, BEGIN, ROLLBACK, ASK, ANSWER, MAIL],
            &[
                PREPARE, PREPARED, ASK, pieces[0], pieces[1], pieces[2], MAIL,
            ],
        ];
        for calls in commits {
            assert_eq!(after_a_mail(calls).unwrap(), followed, "{calls:?}");
        }
        assert_eq!(after_a_mail(&[]).unwrap().followed, 0, "the last mail");
    }

    #[test]
    fn who_goes_on_before_the_flush_has_ended_is_found() {
        let too_early: [&[&str]; 17] = [
            &[MAIL],
            &[LOCK, WRITE, MAIL, FLUSH],
            &[LOCK, WRITE, FLUSH_BEGINS, MAIL, FLUSH_ENDS],
            // It made nothing durable that was written after.
            &[LOCK, FLUSH_BEGINS, FLUSH_ENDS, WRITE, MAIL],
            &[LOCK, FLUSH_BEGINS, WRITE, FLUSH_ENDS, MAIL],
            &[
                LOCK,
                WRITE,
                "2 fdatasync(4</d/b.db-wal>) = -1 EIO (Input/output error)\n",
                MAIL,
            ],
            &[LOCK, WRITE, "2 fdatasync(3</d/b.db>) = 0\n", MAIL],
            &[BEGIN, MAIL, COMMIT, DONE],
            &[BEGIN, COMMIT, MAIL, DONE],
            &[PREPARE, PREPARED, MAIL],
            &[PREPARE, PREPARED, ASK, MAIL, ANSWER],
            &[PREPARE, PREPARED, ASK, ERROR, MAIL],
            &[PREPARE, PREPARED, LOOK, ANSWER, MAIL],
            &[
                PREPARE,
                PREPARED,
                ASK,
                "1 recvfrom(8<socket:[6]>, \"2\\0\\0\\0\\4C\", 8192) = 6\n",
                MAIL,
            ],
            // What was asked before is answered, and no more.
            &[PREPARE, ASK, PREPARED, MAIL],
            &[BEGIN, ROLLBACK, DONE, MAIL],
            &[PREPARE, PREPARED, BEGIN, DONE, ASK, ANSWER, MAIL],
        ];
        for calls in too_early {
            let error = after_a_mail(calls).expect_err(&calls.concat()).to_string();
            assert!(error.contains("socket:[7] said MAIL in line"), "{error}");
            assert!(error.contains("the reply in line 5"), "{error}");
        }
    }

    #[test]
    fn a_commit_that_began_before_the_reply_does_not_count() {
        let before: [&[&str]; 5] = [
            &[LOCK, WRITE, FLUSH, TAKEN, MAIL],
            &[LOCK, WRITE, TAKEN, FLUSH, MAIL],
            &[LOCK, TAKEN, WRITE, FLUSH, MAIL],
            &[BEGIN, TAKEN, COMMIT, DONE, MAIL],
            &[PREPARE, PREPARED, ASK, TAKEN, ANSWER, MAIL],
        ];
        for calls in before {
            let calls = [&[HELLO, MAIL, REPLIES, BODY], calls].concat();
            assert!(judge(&calls.concat()).is_err(), "{calls:?}");
        }
    }

    #[test]
    fn one_connection_may_not_go_on_by_what_another_waited_for() {
        let other = |call: &str| call.replace("9<socket:[7]>", "10<socket:[8]>");
        let others = [HELLO, MAIL, REPLIES, BODY].map(other).concat();
        let (taken, mail) = (other(TAKEN), other(MAIL));
        let shared = [&others, &taken, LOCK, WRITE, FLUSH, &mail, MAIL];
        assert_eq!(after_a_mail(&shared).unwrap().followed, 2);
        let too_late = [&others, LOCK, &taken, WRITE, FLUSH, MAIL, &mail];
        let error = after_a_mail(&too_late).unwrap_err().to_string();
        assert!(error.contains("socket:[8] said MAIL"), "{error}");
    }

    #[test]
    fn replies_count_in_any_pieces() {
        let (one, two) = (
            r#"1 recvfrom(9<socket:[7]>, "250-2.0.0 first\r\n25", 8192) = 19"#,
            r#"1 recvfrom(9<socket:[7]>, "0 second \"\r\n", 8192) = 14"#,
        );
        let pieces = [HELLO, MAIL, REPLIES, BODY, one, "\n", two, "\n"];
        let judged = |calls: &[&str]| judge(&[&pieces[..], calls].concat().concat());
        assert_eq!(judged(&[]).unwrap().replies, 1);
        assert!(judged(&[MAIL]).is_err());
        assert!(judged(&[LOCK, WRITE, FLUSH, MAIL]).is_ok());
    }
}
