"""One message: its bytes, and what Python's own parser makes of them."""

import email
import email.policy
import re


class Message:
    """A message as it goes over the wire, with the HTML and text it was dumped beside."""

    def __init__(self, path, personal=False):
        self.raw = path.read_bytes()
        self.parsed = email.message_from_bytes(self.raw, policy=email.policy.SMTP)
        self.personal = personal
        self.beside = {kind: beside(path.with_suffix(f".{kind}")) for kind in ("html", "txt")}

    @property
    def is_signed(self):
        return bool(self.parsed.get_all("DKIM-Signature"))

    @property
    def head(self):
        """The bytes of the header, up to the empty line."""
        return re.split(rb"\r?\n\r?\n", self.raw, maxsplit=1)[0]

    @property
    def fields(self):
        """The header as `(name, value)`, unfolded, in order; bytes beyond ASCII as they are."""
        unfolded = re.sub(rb"\r?\n(?=[ \t])", b"", self.head)
        pairs = [line.partition(b":") for line in re.split(rb"\r?\n", unfolded)]
        return [(name.decode("utf-8", "replace"), value.decode("utf-8", "replace").strip())
                for name, _, value in pairs]

    def values(self, name):
        """Every value of one field, whatever the case of its name."""
        return [value for found, value in self.fields if found.lower() == name.lower()]

    def value(self, name):
        """The first value of a field; empty where there is none."""
        return next(iter(self.values(name)), "")

    @property
    def sender_domain(self):
        addresses = getattr(self.parsed["From"], "addresses", ())
        return addresses[0].domain.lower() if addresses else ""


def beside(path):
    return path.read_text(encoding="utf-8") if path.exists() else None
