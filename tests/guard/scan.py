"""Lets sqlmap and wapiti loose on every page and form, signed in and not, and counts what they find."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from front import KEPT_BACK, LEFT_ALONE, stand_before

TOOLS = os.environ["GUARD_TOOLS"]
LEVEL = os.environ.get("BULLETIN_GUARD_LEVEL", "3")
RISK = os.environ.get("BULLETIN_GUARD_RISK", "2")
SECONDS = os.environ.get("BULLETIN_GUARD_SECONDS", "120")
ONLY = os.environ.get("BULLETIN_GUARD_ONLY", "wapiti sqlmap").split()
# Not those that ask a host of the scanner's makers, look for other people's software, or take a list from elsewhere.
MODULES = (
    "backup,cookieflags,crlf,csp,exec,file,htaccess,http_headers,information_disclosure,ldap,methods,permanentxss,"
    "redirect,inconsistent_redirection,shellshock,spring4shell,sql,timesql,upload,xss"
)
MOST_PAGES = 400
# Fields that are not looked at for what they hold: without the right value nothing behind them is reached.
OURS = "token,nonce,website,key"


class Page(HTMLParser):
    def __init__(self, url):
        super().__init__()
        self.url, self.links, self.forms, self.form = url, [], [], None

    def handle_starttag(self, tag, attributes):
        has = dict(attributes)
        if tag in ("a", "link") and has.get("href"):
            self.links.append(urljoin(self.url, has["href"]).split("#")[0])
        elif tag == "form":
            target = urljoin(self.url, has.get("action") or self.url)
            self.form = {"url": target, "method": has.get("method", "get").upper(), "fields": {}}
            self.form["files"] = has.get("enctype", "").startswith("multipart")
            self.forms.append(self.form)
        elif self.form is not None and tag in ("input", "textarea", "select", "button") and has.get("name"):
            self.form["fields"].setdefault(has["name"], has.get("value") or "1")

    def handle_endtag(self, tag):
        if tag == "form":
            self.form = None


def crawl(base):
    """Addresses with a query, forms, and plain addresses, each once."""
    ahead = [base + path for path in ("/", "/fr", "/search?q=a", "/subscribe", "/manage", "/desk", "/desk/sign-in", "/desk/forgotten")]
    seen, queries, forms, plain = set(), {}, {}, {}
    while ahead and len(seen) < MOST_PAGES:
        url = ahead.pop(0)
        parts = urlsplit(url)
        names = tuple(sorted(name for name, _ in parse_qsl(parts.query, keep_blank_values=True)))
        shape = (re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "N", parts.path), names)
        if shape in seen or f"{parts.scheme}://{parts.netloc}" != base or KEPT_BACK.match(parts.path):
            continue
        seen.add(shape)
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                if "html" not in answer.headers.get("Content-Type", ""):
                    continue
                page = Page(answer.geturl())
                page.feed(answer.read().decode())
        except urllib.error.HTTPError:
            continue
        if names:
            queries[shape] = url
        plain[shape[0]] = parts.path
        ahead += page.links
        for form in page.forms:
            path = urlsplit(form["url"]).path
            shape = (re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "N", path), form["method"], tuple(sorted(form["fields"])))
            if form["fields"] and not KEPT_BACK.match(path):
                forms.setdefault(shape, form)
    return queries, forms, plain


def wapiti(base, folder, modules, *more):
    report = f"{folder}/wapiti.json"
    command = [
        f"{TOOLS}/bin/wapiti", "-u", f"{base}/", "-s", f"{base}/desk", "-s", f"{base}/subscribe", "-s", f"{base}/fr",
        "--scope", "domain", "-m", modules, *more, "-f", "json", "-o", report, "--flush-session", "--no-bugreport",
        "--store-session", f"{folder}/session", "--store-config", f"{folder}/config", "--max-scan-time", SECONDS,
        "--max-attack-time", SECONDS, "--max-links-per-page", "100", "--max-files-per-dir", "60", "-S", "polite",
        "--tasks", "4", "-t", "60", "-v", "1",
    ]
    for left in ("sign-out", "me/sessions", "me/second*", "me/password", "campaigns/*/live", "again*"):
        command += ["-x", f"{base}/desk/{left}"]
    with open(f"{folder}/wapiti.log", "w") as log:
        subprocess.run(command, stdout=log, stderr=log, check=True)
    with open(report) as file:
        report = json.load(file)
    found = []
    for kind in ("vulnerabilities", "anomalies"):
        for name, places in report[kind].items():
            found += [f"{name}: {place['method']} {place['path']} {place['parameter'] or ''} {place['info']}" for place in places]
    return report["infos"]["crawled_pages_nbr"], sorted(set(found))


def sqlmap(arguments, folder, number):
    command = [
        f"{TOOLS}/bin/sqlmap", "--batch", "--level", LEVEL, "--risk", RISK, "--flush-session", "--disable-coloring",
        "--ignore-redirects", "--ignore-code", "*", "--skip", f"{OURS},user-agent,referer,host,cookie", "--time-sec", "4",
        "--dbms", os.environ["GUARD_DBMS"], "--threads", "4", "--timeout", "60", "--skip-waf", "--output-dir", f"{folder}/sqlmap",
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    with open(f"{folder}/sqlmap-{number}.log", "w") as log:
        log.write(" ".join(command) + "\n" + done.stdout + done.stderr)
    tested = len(set(re.findall(r"testing if (\S+ parameter '[^']*')", done.stdout)))
    found = [line for line in done.stdout.splitlines() if "is vulnerable" in line or line.startswith("Parameter: ")]
    if done.returncode not in (0, 1) or "[*] ending" not in done.stdout:
        found.append(f"it ended with {done.returncode}: {done.stdout[-200:]!r}")
    return tested, found


def targets(queries, forms, plain):
    """What sqlmap is told of each place where something can be written."""
    asked = {}
    for form in forms.values():
        if form["method"] == "GET":
            asked.setdefault(urlsplit(form["url"]).path, {}).update(form["fields"])
        elif not form["files"]:
            yield ["-u", form["url"], "--data", urlencode(form["fields"])]
    for url in queries.values():
        asked.setdefault(urlsplit(url).path, {}).update(parse_qsl(urlsplit(url).query))
    for path, fields in asked.items():
        yield ["-u", f"{BASE}{path}?{urlencode(fields)}"]
    holes = re.compile(r"\d{4}-\d\d|[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+|(?<=/topics/)[a-z-]+")
    for path in plain.values():
        if holes.search(path):
            yield ["-u", BASE + holes.sub(lambda hole: hole[0] + "*", path, count=1)]


def main():
    global BASE
    server, port, link, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    BASE, front = stand_before(server, port, link)
    began = time.time()
    queries, forms, plain = crawl(BASE)
    print(f"{len(plain)} sorts of pages, {len(queries)} with a query, {len(forms)} forms", flush=True)
    found = []
    if "wapiti" in ONLY:
        pages, seen = wapiti(BASE, folder, MODULES)
        # Of tokens it wants to know what becomes of its own.
        seen += wapiti(BASE, folder, "csrf", "-H", f"{LEFT_ALONE}: yes")[1]
        print(f"wapiti: {pages} pages, {MODULES.count(',') + 2} modules, {len(seen)} findings", flush=True)
        found += seen
    if "sqlmap" in ONLY:
        tested, seen = 0, []
        for number, arguments in enumerate(targets(queries, forms, plain)):
            count, wrong = sqlmap(arguments, folder, number)
            tested += count
            seen += [f"sqlmap: {arguments[1]} {line}" for line in wrong]
        print(f"sqlmap: {number + 1} targets, {tested} parameters, {len(seen)} findings", flush=True)
        found += seen
    failed = sorted(set(front.log.failed))
    print(f"requests by status: {dict(sorted(front.log.statuses.items()))}; {len(failed)} answers of 500 and more")
    for line in found + failed:
        print(" -", line)
    print(f"{len(found) + len(failed)} findings in {time.time() - began:.0f} s")
    sys.exit(1 if found or failed else 0)


main()
