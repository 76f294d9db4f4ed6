"""Stands before the program, and makes of any scanner an owner of the desk who never signs out.

What a scanner asks of the desk is passed on with the cookie of a session, the header fields of a browser and the token
that forms carry; where the session has ended, another is begun, with password and code. Each request seems to come from
another network, so that the limits of one do not end the scan. What would be no finding of a scan is not passed on: what
ends the account, and streams that never end.
"""

import base64
import hashlib
import hmac
import http.client
import re
import secrets
import struct
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASSWORD = "kettle fjord nine maple"
FORM = "application/x-www-form-urlencoded"
# By these the owner would shut themselves out, or wait for ever.
KEPT_BACK = re.compile(r"^/desk/(sign-out|me/(sessions|second|password)|campaigns/[^/]*/live$)")
# A header field by which a scanner says that the tokens in its forms are to stay as they are.
LEFT_ALONE = "X-Tokens-Stay"
# Who is not signed in meets these.
WITHOUT = re.compile(r"^/desk/(sign-in|forgotten|set/|again)")


class Owner:
    """The session of the owner, begun anew when it has ended."""

    def __init__(self, server, port):
        self.server, self.port = server, port
        self.lock = threading.RLock()
        self.cookie = self.token = self.key = None
        self.step = 0
        self.aged = None

    def ask(self, method, path, headers, body=b""):
        connection = http.client.HTTPConnection("127.0.0.1", self.server, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.putheader("Host", f"127.0.0.1:{self.server}")
            connection.putheader("Content-Length", str(len(body)))
            connection.putheader("Connection", "close")
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def browser(self):
        network = ".".join(str(secrets.randbelow(200) + 20) for _ in range(4))
        fields = [
            ("Origin", f"http://127.0.0.1:{self.port}"),
            ("Sec-Fetch-Site", "same-origin"),
            ("X-Forwarded-For", network),
        ]
        return fields + ([("Cookie", f"desk={self.cookie}")] if self.cookie else [])

    def page(self, path):
        return self.ask("GET", path, self.browser())[2].decode()

    def send(self, path, fields):
        page = self.page(path)
        form = urllib.parse.urlencode({"token": field(page, "token"), **fields}).encode()
        status, headers, body = self.ask("POST", path, self.browser() + [("Content-Type", FORM)], form)
        for name, value in headers:
            if name.lower() == "set-cookie" and value.startswith("desk="):
                self.cookie = value.split(";")[0][len("desk="):]
        return status, body.decode()

    def begin(self, link):
        """Sets the password, and the second factor that an owner must have."""
        self.send(link, {"password": PASSWORD, "repeated": PASSWORD})
        page = self.page("/desk/me/second")
        self.key = base64.b32decode(re.search(r"<code>([A-Z2-7 ]+)</code>", page)[1].replace(" ", ""))
        fields = {"key": field(page, "key"), "code": self.code()}
        status, body = self.send("/desk/me/second", fields)
        assert status == 200, body
        self.learn()
        # What the site's own forms carry: its age stands for work.
        self.aged = field(self.page("/subscribe"), "token")

    def code(self):
        while int(time.time()) // 30 <= self.step:
            time.sleep(1)
        self.step = int(time.time()) // 30
        digest = hmac.new(self.key, struct.pack(">Q", self.step), hashlib.sha1).digest()
        at = digest[-1] & 15
        return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"

    def learn(self):
        page = self.page("/desk/people")
        assert 'name="token"' in page, page[:2000]
        self.token = field(page, "token")

    def again(self, old):
        """Signs in anew, unless another thread has done so meanwhile."""
        with self.lock:
            if self.cookie != old:
                return
            self.cookie = None
            fields = {"address": "owner@example.org", "password": PASSWORD, "code": self.code()}
            status, body = self.send("/desk/sign-in", fields)
            assert status == 303, body
            self.learn()


def field(page, name):
    return re.search(f'name="{name}" value="([^"]*)"', page)[1]


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_any(self):
        try:
            self.answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception as error:
            with self.server.log.lock:
                self.server.log.failed.append(f"the front itself, at {self.command} {self.path[:200]}: {error!r}")
            self.close_connection = True

    def answer(self):
        owner, log = self.server.owner, self.server.log
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        if KEPT_BACK.match(path):
            return self.give(204, [], b"")
        is_desk = path.startswith("/desk") and not WITHOUT.match(path)
        cookie = owner.cookie
        status, headers, answer = self.pass_on(body, is_desk)
        leads = dict((name.lower(), value) for name, value in headers).get("location", "")
        is_out = leads.startswith(("/desk/sign-in", "/desk/again")) or status in (401, 403)
        if is_desk and is_out and (status != 403 or b"known here" not in answer):
            owner.again(cookie)
            status, headers, answer = self.pass_on(body, is_desk)
        with log.lock:
            log.statuses[status] = log.statuses.get(status, 0) + 1
            if status >= 500:
                log.failed.append(f"{status} {self.command} {self.path[:300]} {body[:300]!r}")
        self.give(status, headers, answer)

    def pass_on(self, body, is_desk):
        owner = self.server.owner
        dropped = ("host", "content-length", "connection", "cookie", "origin", "accept-encoding", "x-forwarded-for")
        headers = [pair for pair in self.headers.items() if pair[0].lower() not in dropped]
        kept = owner.cookie
        known = owner.browser()
        if not is_desk:
            known = [pair for pair in known if pair[0] != "Cookie"]
        # What a scanner writes into these fields would be refused before anything reads the rest.
        token = owner.token if is_desk else owner.aged
        if token and LEFT_ALONE not in self.headers and not WITHOUT.match(self.path):
            body = re.sub(rb"(^|&)token=[^&]*", rb"\g<1>token=" + token.encode(), body)
            body = re.sub(rb'(name="token"\r\n\r\n)[^\r]*', rb"\g<1>" + token.encode(), body)
        try:
            return owner.ask(self.command, self.path, headers + known, body)
        except (ConnectionError, http.client.HTTPException):
            # Refused by the server before it was read; a fall of the program shows at the end.
            return 400, [], b""

    def give(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)


class Log:
    def __init__(self):
        self.lock = threading.Lock()
        self.statuses, self.failed = {}, []


def stand_before(server, port, link):
    """Gives the address of the front, and what went through it."""
    front = ThreadingHTTPServer(("127.0.0.1", port), Front)
    front.daemon_threads = True
    front.owner, front.log = Owner(server, port), Log()
    front.owner.begin(link)
    threading.Thread(target=front.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{front.server_port}", front
