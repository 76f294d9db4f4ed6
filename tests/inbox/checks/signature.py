"""S3 and S4: does the signature hold, break when it should, and cover what it must?"""

import re

import dkim
from dkim.util import parse_tag_value

from .fields import aligned

SMALLEST_KEY_BITS = 2048

# A field listed once more than it occurs cannot be added by anybody on the way.
TWICE = "from to subject date reply-to list-unsubscribe list-unsubscribe-post".split()
COVERED = (
    "from to cc reply-to subject date message-id mime-version content-type "
    "content-transfer-encoding list-id list-unsubscribe list-unsubscribe-post list-help list-owner "
    "list-archive precedence auto-submitted feedback-id"
).split()


def broken(message, key):
    """Why a signature does not hold, and changes that it does not notice."""
    if key is None:
        return ["it is signed, and --key-file does not give the key"]
    found = []
    for nth in range(len(message.values("DKIM-Signature"))):
        if not holds(message.raw, key, nth):
            found.append(f"the signature does not hold ({nth + 1} from the top)")
            continue
        found += [f"the signature still holds after {what} ({nth + 1} from the top)"
                  for what, changed in changes(message)
                  if changed == message.raw or holds(changed, key, nth)]
    return found


def uncovered(message):
    """Fields that the signature leaves open to change, and settings that weaken it."""
    found = []
    for value in message.values("DKIM-Signature"):
        tags = {name.decode(): text.decode() for name, text in parse_tag_value(value.encode()).items()}
        listed = [name.strip().lower() for name in tags.get("h", "").split(":")]
        found += [f"h= lacks {name}" for name in owed(message) if name not in listed]
        found += [f"h= lists {name} once" for name in owed(message) if name in TWICE and listed.count(name) == 1]
        found += tag_faults(tags, message.sender_domain)
    return found


def owed(message):
    """A personal mail has no list fields to cover."""
    present = {name.lower() for name, _ in message.fields}
    list_fields = {"precedence", "feedback-id"} | {name for name in COVERED if name.startswith("list-")}
    return [name for name in COVERED
            if not (message.personal and name in list_fields and name not in present)]


def tag_faults(tags, sender_domain):
    if "l" in tags:
        yield "l= leaves the end of the body open"
    if tags.get("c") != "relaxed/relaxed":
        yield f"c={tags.get('c', 'simple/simple')}, not relaxed/relaxed"
    if not aligned(tags.get("d", "").lower(), sender_domain):
        yield f"d={tags.get('d')} is not the domain of From"


def holds(raw, key, nth):
    """A key smaller than we allow counts as a signature that does not hold."""
    try:
        verifier = dkim.DKIM(raw, minkey=SMALLEST_KEY_BITS)
        return verifier.verify(nth, dnsfunc=lambda name, timeout=5: record(key, name))
    except dkim.DKIMException:
        return False


def record(key, name):
    """The TXT record at a name, out of lines of a name and its record."""
    records = dict(line.split(" ", 1) for line in key.splitlines())
    return records.get(name.decode().rstrip("."), "").encode()


def changes(message):
    """Copies of the message with one thing changed that the reader or the mailbox would see."""
    head, empty, body = message.raw.partition(b"\r\n\r\n")
    middle = len(body) // 2
    yield "a changed word in the body", head + empty + body[:middle] + change_word(body[middle:])
    for name in TWICE:
        present = message.values(name)
        if not present:
            continue
        added = f"{name}: added@elsewhere.example\r\n".encode()
        yield f"an added {name}", added + message.raw
        yield f"a changed {name}", change_field(head, name) + empty + body


def change_word(text):
    """Turns round the first word of four letters or more."""
    return re.sub(rb"[A-Za-z]{4,}", lambda word: word.group()[::-1].swapcase(), text, count=1)


def change_field(head, name):
    field = re.compile(rb"(?im)^" + name.encode() + rb":(?:.*\r\n[ \t])*.*$")
    return field.sub(lambda found: found.group().rstrip(b"\r") + b"x", head, count=1)
