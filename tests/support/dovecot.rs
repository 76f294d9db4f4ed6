//! A Dovecot of the test's own: an IMAP server that we have not written.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

pub const PASSWORD: &str = "pass@word";

pub struct Dovecot {
    pub port: u16,
    pub tls_port: u16,
    pub certificate: CertificateDer<'static>,
    folder: TempDir,
    child: Child,
}

/// Whom Dovecot lets own mail: never root.
const NOBODY: u32 = 65534;

impl Dovecot {
    /// `None` where it is not installed.
    pub async fn start() -> Option<Dovecot> {
        let binary = ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot"];
        let binary = binary.into_iter().find(|path| Path::new(path).exists())?;
        let folder = TempDir::new().unwrap();
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        for name in ["mail", "home"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            if is_root {
                chown(folder.path().join(name), Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(folder.path().join("cert.pem"), cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), signing_key.serialize_pem()).unwrap();
        let [port, tls_port] = [free_port().await, free_port().await];
        let config = folder.path().join("dovecot.conf");
        std::fs::write(&config, settings(folder.path(), port, tls_port, is_root)).unwrap();
        let child = Command::new(binary)
            .args(["-F", "-c"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let dovecot = Dovecot {
            port,
            tls_port,
            certificate: cert.der().clone(),
            folder,
            child,
        };
        dovecot.answers().await;
        Some(dovecot)
    }

    /// Until a client is greeted.
    async fn answers(&self) {
        let since = Instant::now();
        let mut try_again = tokio::time::interval(Duration::from_millis(20));
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let log = std::fs::read_to_string(self.folder.path().join("log"));
            assert!(
                since.elapsed() < Duration::from_secs(20),
                "Dovecot does not answer: {}",
                log.unwrap_or_default()
            );
            try_again.tick().await;
        }
    }

    /// Puts a mail into somebody's INBOX, as a mail server does.
    pub fn put(&self, user: &str, name: &str, mail: &[u8]) {
        let inbox = self.folder.path().join("mail").join(user);
        for part in ["", "new", "cur", "tmp"] {
            let path = inbox.join(part);
            std::fs::create_dir_all(&path).unwrap();
            own(&path);
        }
        let path = inbox.join("new").join(name);
        std::fs::write(&path, mail).unwrap();
        own(&path);
    }

    /// How many mails somebody has in a mailbox; "" is the INBOX.
    pub fn count(&self, user: &str, mailbox: &str) -> usize {
        let mut inbox = self.folder.path().join("mail").join(user);
        if !mailbox.is_empty() {
            inbox = inbox.join(format!(".{mailbox}"));
        }
        ["new", "cur"]
            .map(|part| std::fs::read_dir(inbox.join(part)).map_or(0, Iterator::count))
            .iter()
            .sum()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Its own processes end with it when it is asked, and not when it is killed.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").arg(pid).status();
        let _ = self.child.wait();
    }
}

/// Root's files would be out of Dovecot's reach.
fn own(path: &Path) {
    let _ = chown(path, Some(NOBODY), Some(NOBODY));
}

async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

fn settings(folder: &Path, port: u16, tls_port: u16, is_root: bool) -> String {
    let at = |name: &str| -> PathBuf { folder.join(name) };
    let me = Command::new("id").arg("-un").output().unwrap().stdout;
    let me = String::from_utf8(me).unwrap();
    let me = me.trim();
    let of_self = std::fs::metadata(folder).unwrap();
    let (uid, gid) = match is_root {
        true => (NOBODY, NOBODY),
        false => (of_self.uid(), of_self.gid()),
    };
    let own = match is_root {
        true => String::new(),
        false => format!(
            "default_internal_user = {me}\ndefault_login_user = {me}\n\
             service anvil {{\n chroot =\n}}\nservice imap-login {{\n chroot =\n}}\n"
        ),
    };
    format!(
        "base_dir = {base}\nlog_path = {log}\nprotocols = imap\nlisten = 127.0.0.1\n\
         ssl = yes\nssl_cert = <{cert}\nssl_key = <{key}\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n\
         mail_location = maildir:{mail}/%u\n\
         passdb {{\n driver = static\n args = password={PASSWORD}\n}}\n\
         userdb {{\n driver = static\n args = uid={uid} gid={gid} home={home}/%u allow_all_users=yes\n}}\n\
         service imap-login {{\n inet_listener imap {{\n  port = {port}\n }}\n inet_listener imaps {{\n  port = {tls_port}\n }}\n}}\n\
         service stats {{\n client_limit = 100\n}}\n{own}",
        base = at("run").display(),
        log = at("log").display(),
        cert = at("cert.pem").display(),
        key = at("key.pem").display(),
        mail = at("mail").display(),
        home = at("home").display(),
    )
}
