//! Three kinds of TXT records are all that is asked of the DNS: a question of a few bytes to the machine's own name
//! servers, over UDP and, where the answer is too long, over TCP (RFC 1035, RFC 7766). A resolver of others' brings a
//! dozen crates and a cache for that.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// For each try of each server.
const PATIENCE: Duration = Duration::from_secs(3);

/// What we say we can take in one datagram: what crosses any network whole (DNS flag day 2020).
const LARGEST_DATAGRAM: u16 = 1232;

const TXT: u16 = 16;
const CNAME: u16 = 5;
const INTERNET: u16 = 1;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsError {
    /// No name server is known, or none can be reached, or none answers in time.
    Silent,
    /// It answered that it cannot tell (RFC 1035 section 4.1.1: SERVFAIL, REFUSED).
    Refused,
    /// What it said cannot be understood.
    Garbled,
    /// It is no name to ask about.
    Name,
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DnsError::Silent => "could not ask",
            DnsError::Refused => "refused",
            DnsError::Garbled => "garbled",
            DnsError::Name => "no name",
        })
    }
}

/// Who is asked, and where the numbers of questions come from.
#[derive(Clone, Debug)]
pub struct Asking {
    pub servers: Vec<SocketAddr>,
    pub new_number: fn() -> u16,
}

/// The name servers that a `resolv.conf` lists, three at most.
pub fn servers(listed: &str) -> Vec<SocketAddr> {
    let lines = listed.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver"))
            .then(|| words.next())
            .flatten()
    });
    let addresses = lines.filter_map(|word| word.parse::<IpAddr>().ok());
    addresses
        .take(3)
        .map(|ip| SocketAddr::new(ip, 53))
        .collect()
}

impl Asking {
    /// The TXT records of a name, each put together; none where the name does not exist.
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, DnsError> {
        let mut last = DnsError::Silent;
        for server in &self.servers {
            match self.one(*server, name).await {
                Ok(texts) => return Ok(texts),
                Err(DnsError::Name) => return Err(DnsError::Name),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn one(&self, server: SocketAddr, name: &str) -> Result<Vec<String>, DnsError> {
        let number = (self.new_number)();
        let question = question(number, name).ok_or(DnsError::Name)?;
        let silent = |_| DnsError::Silent;
        let asked = timeout(PATIENCE, by_datagram(server, &question)).await;
        let answer = asked.map_err(|_| DnsError::Silent)?.map_err(silent)?;
        match read(&answer, number)? {
            Some(texts) => Ok(texts),
            None => {
                let asked = timeout(PATIENCE, by_stream(server, &question)).await;
                let answer = asked.map_err(|_| DnsError::Silent)?.map_err(silent)?;
                read(&answer, number)?.ok_or(DnsError::Garbled)
            }
        }
    }
}

async fn by_datagram(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let here = match server {
        SocketAddr::V4(_) => "0.0.0.0:0",
        SocketAddr::V6(_) => "[::]:0",
    };
    let socket = UdpSocket::bind(here).await?;
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut answer = vec![0; 4096];
    loop {
        let length = socket.recv(&mut answer).await?;
        // What bears another number was meant for somebody else, or is meant to mislead.
        if answer[..length].get(..2) == question.get(..2) {
            answer.truncate(length);
            return Ok(answer);
        }
    }
}

async fn by_stream(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_u16(question.len() as u16).await?;
    stream.write_all(question).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; length.into()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// A question for the TXT records of `name`, with room for a larger answer (RFC 6891).
fn question(number: u16, name: &str) -> Option<Vec<u8>> {
    let mut bytes = number.to_be_bytes().to_vec();
    // A standard question, to be looked up for us; one question, and one record that says how we take the answer.
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
    for label in name.trim_end_matches('.').split('.') {
        let is_fit = (1..=63).contains(&label.len()) && label.is_ascii();
        bytes.push(is_fit.then_some(label.len() as u8)?);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(TXT.to_be_bytes());
    bytes.extend(INTERNET.to_be_bytes());
    bytes.extend([0, 0, 41]);
    bytes.extend(LARGEST_DATAGRAM.to_be_bytes());
    bytes.extend([0; 6]);
    (bytes.len() <= 300).then_some(bytes)
}

/// The texts of an answer; `None` where it was cut off and is to be had over TCP.
fn read(answer: &[u8], number: u16) -> Result<Option<Vec<String>>, DnsError> {
    let mut from = Reader {
        bytes: answer,
        at: 0,
    };
    let header = from.header().ok_or(DnsError::Garbled)?;
    if header.number != number || !header.is_answer {
        return Err(DnsError::Garbled);
    }
    match header.code {
        0 => {}
        // There is no such name.
        3 => return Ok(Some(Vec::new())),
        _ => return Err(DnsError::Refused),
    }
    if header.is_cut {
        return Ok(None);
    }
    from.records(&header).map(Some).ok_or(DnsError::Garbled)
}

struct Header {
    number: u16,
    is_answer: bool,
    is_cut: bool,
    code: u8,
    questions: u16,
    answers: u16,
}

/// Reads forwards alone: no name in an answer is followed anywhere, so that none leads in a circle.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        self.take(2).map(|two| u16::from_be_bytes([two[0], two[1]]))
    }

    fn header(&mut self) -> Option<Header> {
        let number = self.number()?;
        let flags = self.number()?;
        let (questions, answers) = (self.number()?, self.number()?);
        self.take(4)?;
        Some(Header {
            number,
            is_answer: flags & 0x8000 != 0,
            is_cut: flags & 0x0200 != 0,
            code: (flags & 0x000f) as u8,
            questions,
            answers,
        })
    }

    /// Passes over a name: labels up to the root, or up to a pointer (RFC 1035 section 4.1.4).
    fn name(&mut self) -> Option<()> {
        loop {
            match self.take(1)?[0] {
                0 => return Some(()),
                length @ 1..=63 => drop(self.take(length.into())?),
                192..=255 => return self.take(1).map(drop),
                _ => return None,
            }
        }
    }

    fn records(&mut self, header: &Header) -> Option<Vec<String>> {
        for _ in 0..header.questions {
            self.name()?;
            self.take(4)?;
        }
        let mut texts = Vec::new();
        for _ in 0..header.answers {
            self.name()?;
            let (kind, class) = (self.number()?, self.number()?);
            self.take(4)?;
            let length = self.number()?.into();
            let content = self.take(length)?;
            match (kind, class) {
                (TXT, INTERNET) => texts.push(joined(content)?),
                // The resolver has followed it: what it leads to stands behind it.
                (CNAME, INTERNET) => {}
                _ => {}
            }
        }
        Some(texts)
    }
}

/// The strings of one record, put together without anything between them (RFC 7208 section 3.3).
fn joined(content: &[u8]) -> Option<String> {
    let mut from = Reader {
        bytes: content,
        at: 0,
    };
    let mut text = Vec::new();
    while from.at < content.len() {
        let length = from.take(1)?[0];
        text.extend(from.take(length.into())?);
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer to `question` with these records.
    fn answer(question: &[u8], flags: u16, texts: &[&[&str]]) -> Vec<u8> {
        let mut bytes = question[..2].to_vec();
        bytes.extend(flags.to_be_bytes());
        bytes.extend([0, 1, 0, texts.len() as u8, 0, 0, 0, 0]);
        // Its question without the record behind it.
        bytes.extend(&question[12..question.len() - 11]);
        for strings in texts {
            bytes.extend([0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
            let length: usize = strings.iter().map(|string| string.len() + 1).sum();
            bytes.extend((length as u16).to_be_bytes());
            for string in *strings {
                bytes.push(string.len() as u8);
                bytes.extend(string.as_bytes());
            }
        }
        bytes
    }

    fn asking(server: SocketAddr) -> Asking {
        Asking {
            servers: vec![server],
            new_number: || 0x1234,
        }
    }

    #[tokio::test]
    async fn a_name_server_is_asked_and_asked_again_by_tcp_where_its_answer_is_cut() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let socket = UdpSocket::bind(here).await.unwrap();
        tokio::spawn(async move {
            let mut bytes = [0; 512];
            let (length, who) = socket.recv_from(&mut bytes).await.unwrap();
            socket.send_to(b"\0\0other", who).await.unwrap();
            let cut = answer(&bytes[..length], 0x8380, &[]);
            socket.send_to(&cut, who).await.unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            let length = stream.read_u16().await.unwrap();
            let mut question = vec![0; length.into()];
            stream.read_exact(&mut question).await.unwrap();
            let whole = answer(&question, 0x8180, &[&["v=DMARC1; ", "p=none"], &["other"]]);
            stream.write_u16(whole.len() as u16).await.unwrap();
            stream.write_all(&whole).await.unwrap();
        });
        let texts = asking(here).texts("_dmarc.a.example").await.unwrap();
        assert_eq!(texts, ["v=DMARC1; p=none", "other"]);
    }

    #[tokio::test]
    async fn where_nobody_answers_nobody_could_be_asked() {
        let none = Asking {
            servers: Vec::new(),
            new_number: || 0,
        };
        assert_eq!(none.texts("a.example").await, Err(DnsError::Silent));
        let nowhere = asking("127.0.0.1:9".parse().unwrap());
        assert_eq!(nowhere.texts("a.example").await, Err(DnsError::Silent));
        assert_eq!(nowhere.texts("a..example").await, Err(DnsError::Name));
    }

    #[test]
    fn no_name_no_record_and_no_idea_are_told_apart() {
        let asked = question(7, "a.example").unwrap();
        let said = |flags| read(&answer(&asked, flags, &[]), 7);
        assert_eq!(said(0x8180), Ok(Some(Vec::new())));
        assert_eq!(said(0x8183), Ok(Some(Vec::new())));
        assert_eq!(said(0x8182), Err(DnsError::Refused));
        assert_eq!(said(0x0180), Err(DnsError::Garbled));
    }

    #[test]
    fn a_list_of_name_servers_is_read() {
        let listed =
            "# a comment\nsearch example\nnameserver 192.0.2.1\nnameserver ::1\nnameserver x\n";
        let wanted: Vec<SocketAddr> =
            vec!["192.0.2.1:53".parse().unwrap(), "[::1]:53".parse().unwrap()];
        assert_eq!(servers(listed), wanted);
    }

    proptest::proptest! {
        #[test]
        fn no_answer_does_harm(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), cut in 0_usize..60) {
            drop(read(&bytes, 7));
            let asked = question(7, "a.example").unwrap();
            let mut damaged = answer(&asked, 0x8180, &[&["v=spf1 -all"]]);
            for (place, byte) in bytes.iter().enumerate().take(3) {
                let at = (usize::from(*byte) + place * 7) % damaged.len();
                damaged[at] ^= byte;
            }
            damaged.truncate(damaged.len().saturating_sub(cut));
            drop(read(&damaged, 7));
        }
    }
}
