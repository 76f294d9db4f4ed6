#!/usr/bin/env python3
"""Makes `good.eml`, `bad.eml` and `key.txt` anew, after `good.html` or `good.txt` was changed.

The private key lives no longer than this program. Wants Python's dkimpy and the openssl command:
`tests/inbox/.cache/venv/bin/python tests/inbox/samples/make.py`.
"""

import base64
import subprocess
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import dkim

HERE = Path(__file__).resolve().parent
TWICE = b"from to subject date reply-to list-unsubscribe list-unsubscribe-post".split()
ONCE = (b"cc message-id mime-version content-type content-transfer-encoding list-id list-help "
        b"list-owner list-archive precedence auto-submitted feedback-id").split()
FIELDS = {
    "From": "River Notes <notes@rivers.example>",
    "To": "Ana Öst <ana@reader.example>",
    "Reply-To": "editor@rivers.example",
    "Subject": "River Notes, March 2031: willow banks and ice",
    "Date": "Tue, 04 Mar 2031 09:00:00 -0500",
    "Message-ID": "<2031-03.7f3a91@rivers.example>",
    "List-Id": "River Notes <notes.rivers.example>",
    "List-Unsubscribe": "<https://rivers.example/leave?t=Zk3w9>, <mailto:leave@rivers.example?subject=Zk3w9>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "List-Help": "<https://rivers.example/help>",
    "List-Owner": "<mailto:editor@rivers.example>",
    "List-Archive": "<https://rivers.example/archive>",
    "Precedence": "bulk",
    "Auto-Submitted": "auto-generated",
    "Feedback-ID": "2031-03:digest:en:rivernotes",
}
BAD = (
    "From: Our news <news@news.example>\r\n"
    "To: one@reader.example, two@reader.example\r\n"
    "Subject: Caf\u00e9 news\r\n"
    "Subject: These are so many words of news that no line of a header has room for them all\r\n"
    "Date: yesterday\r\n"
    "Message-ID: <1@elsewhere.example>\r\n"
    "List-Id: news\r\n"
    "List-Unsubscribe: <http://news.example/leave>\r\n"
    "Precedence: list\r\n"
    "Feedback-ID: a:a:b:c\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=other.example; s=s; l=9;\r\n"
    " h=from:to; bh=AAAA; b=AAAA\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/alternative; boundary=edge\r\n"
    "\r\n"
    "--edge\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Caf\u00e9</p>\r\n"
    "--edge\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\nA sign = that stands alone.\n"
    + "long " * 250 + "\r\nA bare\rreturn\r\n"
)


def main():
    private = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", given=b"")
    private = openssl("rsa", "-traditional", given=private)
    public = openssl("rsa", "-pubout", "-outform", "DER", given=private)
    record = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
    (HERE / "key.txt").write_text(f"s2031._domainkey.rivers.example {record}\n")
    (HERE / "good.eml").write_bytes(signed(good(), private))
    (HERE / "bad.eml").write_bytes(BAD.encode())


def good():
    # As long as a line of quoted-printable may be.
    message = EmailMessage(policy=SMTP.clone(max_line_length=76))
    for name, value in FIELDS.items():
        message[name] = value
    message.set_content((HERE / "good.txt").read_text(), cte="quoted-printable")
    message.add_alternative((HERE / "good.html").read_text(), subtype="html", cte="quoted-printable")
    message.set_boundary("river-notes-2031-03")
    return message.as_bytes()


def signed(message, private):
    listed = [*TWICE, *TWICE, *ONCE]
    field = dkim.sign(message, b"s2031", b"rivers.example", private, include_headers=listed,
                      canonicalize=(b"relaxed", b"relaxed"))
    return field + message


def openssl(*words, given):
    return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True).stdout


if __name__ == "__main__":
    main()
