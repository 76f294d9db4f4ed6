"""HDR and S5: does the header say all that mailboxes ask of a bulk sender?"""

import re
from email.utils import parsedate_to_datetime

import listunsub

# A service on the developer's own machine has no certificate.
OWN_MACHINE = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])[:/]")
ADDRESS = r"[^\s<>@]+@[^\s<>@]+"
URI_LIST = r"<(https?|mailto):[^<>\s]+>(\s*,\s*<(https?|mailto):[^<>\s]+>)*"

# What each field must look like; RFC 2919 for List-Id, RFC 3834 for Auto-Submitted.
BASE = {
    "Subject": r"\S.*",
    "Message-ID": r"<[^\s<>@]+@[^\s<>@]+>",
    "Auto-Submitted": r"auto-generated",
    "MIME-Version": r"1\.0",
    "Content-Type": r"(multipart/alternative|text/plain)\s*;.+",
}
LIST = {
    "List-Id": r"(.* )?<[A-Za-z0-9._-]+\.[A-Za-z0-9-]+>",
    "List-Unsubscribe": URI_LIST,
    "List-Unsubscribe-Post": r"List-Unsubscribe=One-Click",
    "List-Help": URI_LIST,
    "List-Owner": URI_LIST,
    "List-Archive": URI_LIST,
    "Precedence": r"bulk",
    "Feedback-ID": r"([^:\s]*:){3}[^:\s]{5,15}",
}


def faults(message):
    """Fields of the set that are missing or malformed. A personal mail owes no list fields, but
    those that it has must be right."""
    found = [*form_faults(message, BASE, owed=True), *form_faults(message, LIST, owed=not message.personal)]
    found += [*address_faults(message), *date_faults(message), *identity_faults(message)]
    if message.value("List-Unsubscribe"):
        found += order_faults(message.value("List-Unsubscribe"))
    return found


def unsubscribe_faults(message):
    """What listunsub finds, less what cannot be so here: the relay signs an unsigned message, and
    a service on one's own machine speaks http."""
    if message.personal and not message.value("List-Unsubscribe"):
        return []
    problems = listunsub.audit(
        message.values("List-Unsubscribe"),
        message.values("List-Unsubscribe-Post"),
        dkim_signatures=message.values("DKIM-Signature"),
    )
    excused = {"missing-dkim"} if not message.is_signed else set()
    if OWN_MACHINE.search(message.value("List-Unsubscribe")):
        excused.add("no-https")
    return [f"{one.code}: {one.message}" for one in problems if one.code not in excused]


def form_faults(message, forms, owed):
    for name, form in forms.items():
        values = message.values(name)
        if not values and owed:
            yield f"{name} is missing"
        yield from (f"{name} is malformed: {value[:60]}" for value in values
                    if not re.fullmatch(form, value, re.DOTALL))


def address_faults(message):
    for name in ("From", "To", "Reply-To"):
        field = message.parsed[name]
        addresses = getattr(field, "addresses", ())
        if field is None:
            yield f"{name} is missing"
        elif len(addresses) != 1:
            yield f"{name} has {len(addresses)} addresses instead of one"
        elif not re.fullmatch(ADDRESS, addresses[0].addr_spec):
            yield f"{name} is malformed"


def date_faults(message):
    try:
        if parsedate_to_datetime(message.value("Date")).tzinfo is None:
            yield "Date has no zone"
    except (TypeError, ValueError):
        yield "Date is missing or malformed"


def identity_faults(message):
    """Names that must belong to the sender: the id of the message, and the sender of feedback."""
    domain = message.value("Message-ID").rstrip(">").rpartition("@")[2].lower()
    if domain and not aligned(domain, message.sender_domain):
        yield f"Message-ID is of {domain}, the sender of {message.sender_domain}"
    filled = [part for part in message.value("Feedback-ID").split(":") if part]
    if len(filled) != len(set(filled)):
        yield "Feedback-ID has one value twice"
    if "@" in message.value("Feedback-ID"):
        yield "Feedback-ID has an address in it"


def aligned(domain, other):
    """One is the other, or stands below it."""
    return domain == other or domain.endswith("." + other) or other.endswith("." + domain)


def order_faults(value):
    schemes = re.findall(r"<([a-z]+):", value)
    if schemes != ["https", "mailto"] and not (schemes == ["http", "mailto"] and OWN_MACHINE.search(value)):
        yield f"List-Unsubscribe has {' and '.join(schemes) or 'nothing'}, not https and then mailto"
    if len(value) > 998:
        yield f"List-Unsubscribe has {len(value)} octets"
