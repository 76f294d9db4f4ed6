"""S7: is it a message that every server takes and every client reads alike?"""

import re

LINE_MOST_OCTETS = 998
LINE_WISHED = 78

# RFC 5322 section 3.6, the list fields of RFC 2369, 2919 and 8058, and those that mailboxes count.
ONCE = (
    "auto-submitted cc content-transfer-encoding content-type date feedback-id from in-reply-to "
    "list-archive list-help list-id list-owner list-post list-unsubscribe list-unsubscribe-post "
    "message-id mime-version precedence references reply-to sender subject to"
).split()
ADDRESSES = ("from", "to", "cc", "reply-to", "sender")


def faults(message):
    """Everything that RFC 5322, 2045 and 5321 forbid, or that some client trips over."""
    return [*line_faults(message), *header_faults(message), *part_faults(message)]


def notes(message):
    """What is allowed but asks something of the receiving server."""
    if any(needs_smtputf8(name, value) for name, value in message.fields):
        return ["smtputf8: an address beyond ASCII, the server must offer SMTPUTF8"]
    return []


def line_faults(message):
    raw = message.raw
    bare = [(b"\r(?!\n)", "CR"), (b"(?<!\r)\n", "LF")]
    for pattern, name in bare:
        places = [raw[:found.start()].count(b"\n") + 1 for found in re.finditer(pattern, raw)]
        if places:
            yield f"{len(places)} bare {name}, the first in line {places[0]}"
    for number, line in enumerate(re.split(rb"\r?\n", raw), start=1):
        if len(line) > LINE_MOST_OCTETS:
            yield f"line {number} has {len(line)} octets, {LINE_MOST_OCTETS} are allowed"
    if b"\0" in raw:
        yield "a NUL octet"


def header_faults(message):
    for number, line in enumerate(re.split(rb"\r?\n", message.head), start=1):
        if len(line) > LINE_WISHED and could_fold(line):
            yield f"header line {number} has {len(line)} characters and could be folded"
    for name, value in message.fields:
        if not re.fullmatch(r"[!-9;-~]+", name):
            yield f"'{name[:30]}' is not a field name"
        if not value.isascii() and not needs_smtputf8(name, value):
            yield f"{name} has 8-bit octets"
    names = [name.lower() for name, _ in message.fields]
    for name in ONCE:
        if names.count(name) > 1:
            yield f"{name} stands there {names.count(name)} times"


def could_fold(line):
    """White space inside a line is where it may be folded, and so is the comma between two URIs;
    the space after the name is not, as a first line without a value is misread by some."""
    value = re.sub(rb"^([!-9;-~]+:)?[ \t]*", b"", line)
    return bool(re.search(rb"[ \t]|>,<", value.rstrip()))


def needs_smtputf8(name, value):
    """The address itself goes beyond ASCII (RFC 6532); a name beside it is encoded even so."""
    if name.lower() not in ADDRESSES:
        return False
    found = re.search(r"<([^<>]*)>\s*$", value)
    address, rest = (found.group(1), value[:found.start()]) if found else (value, "")
    return not address.isascii() and rest.isascii()


def part_faults(message):
    excused = {name.lower() for name, value in message.fields if needs_smtputf8(name, value)}
    for part in message.parsed.walk():
        kind = part.get_content_type()
        for name, value in part.items():
            if name.lower() in excused and part is message.parsed:
                continue
            yield from (f"{name} of {kind}: {defect}" for defect in getattr(value, "defects", ()))
        yield from (f"{kind}: {type(defect).__name__}" for defect in part.defects)
        if not part.is_multipart():
            yield from leaf_faults(part)
    yield from order_faults(message)


def leaf_faults(part):
    kind = part.get_content_type()
    encoding = str(part.get("Content-Transfer-Encoding", "7bit")).lower()
    payload = part.get_payload(decode=False)
    if encoding == "7bit" and not payload.isascii():
        yield f"{kind} has 8-bit octets and says 7bit"
    if encoding == "quoted-printable" and re.search(r"=(?![0-9A-F]{2}|\r?\n)", payload):
        yield f"{kind} is not quoted-printable, a = stands alone"
    if encoding == "quoted-printable" and max(map(len, payload.splitlines()), default=0) > 76:
        yield f"{kind} has a line of quoted-printable beyond 76 letters"
    charset = part.get_content_charset("us-ascii")
    try:
        part.get_payload(decode=True).decode(charset)
    except (LookupError, UnicodeDecodeError) as error:
        yield f"{kind} cannot be read as {charset}: {error}"


def order_faults(message):
    """The best form comes last (RFC 2046 section 5.1.4); each is the one that was dumped."""
    leaves = [part for part in message.parsed.walk() if not part.is_multipart()]
    kinds = [part.get_content_type() for part in leaves]
    if kinds not in (["text/plain"], ["text/plain", "text/html"]):
        yield f"the parts are {', '.join(kinds)}, not text and then html"
    if len(kinds) > 1 and message.parsed.get_content_type() != "multipart/alternative":
        yield f"the two parts stand in {message.parsed.get_content_type()}"
    for part, kind in zip(leaves, kinds):
        dumped = message.beside["html" if kind == "text/html" else "txt"]
        if dumped is not None and plain(decoded(part)) != plain(dumped):
            yield f"the {kind} part is not the file beside the message"


def decoded(part):
    charset = part.get_content_charset("us-ascii")
    try:
        return part.get_payload(decode=True).decode(charset, "replace")
    except LookupError:
        return ""


def plain(text):
    return text.replace("\r\n", "\n").rstrip("\n")
