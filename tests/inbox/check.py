#!/usr/bin/env python3
"""Checks the messages of a folder as the wire carries them; README.md says what and how."""

import argparse
import fnmatch
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
OWN_PYTHON = HERE / ".cache" / "venv" / "bin" / "python"

if OWN_PYTHON.exists() and Path(sys.prefix) != OWN_PYTHON.parent.parent:
    os.execv(OWN_PYTHON, [str(OWN_PYTHON), str(Path(__file__).resolve()), *sys.argv[1:]])

from checks import fields, selftest, signature, syntax  # noqa: E402
from checks.message import Message  # noqa: E402

CHECKS = {
    "S7": "well-formed, and the parts are those beside it",
    "HDR": "every header field it owes, well-formed",
    "S5": "one-click unsubscribing by RFC 8058",
    "S3": "signature holds, and breaks with any change",
    "S4": "signature covers what it must",
}
FINDINGS_SHOWN = 6


def main():
    words = arguments()
    if words.self_test:
        return selftest.run(verdicts, CHECKS)
    key = words.key_file.read_text() if words.key_file else None
    paths = sorted(words.folder.glob("*.eml"))
    if not paths:
        print(f"FAIL {words.folder} has no .eml, so nothing was checked\n0 passed, 1 failed")
        return 1
    found = [one for path in paths for one in verdicts(path, key, is_personal(path, words.personal))]
    return report(found)


def verdicts(path, key, personal):
    """What each check has to say of one message: `(check, name, findings, notes)`."""
    message = Message(path, personal)
    asked = {"S7": syntax.faults, "HDR": fields.faults, "S5": fields.unsubscribe_faults}
    if message.is_signed:
        asked |= {
            "S3": lambda message: signature.broken(message, key),
            "S4": signature.uncovered,
        }
    return [(check, path.stem, ask(message), syntax.notes(message) if check == "S7" else [])
            for check, ask in asked.items()]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", metavar="DIR")
    parser.add_argument("--key-file", type=Path, metavar="PUBLIC_DNS_TXT",
                        help="a line for each DKIM key: its TXT record's name, a space, and its content")
    parser.add_argument("--personal", action="append", default=[], metavar="PATTERN",
                        help="names of mails that go to one person for a reason of their own, such "
                             "as 'confirm*': they owe no list fields")
    parser.add_argument("--self-test", action="store_true")
    words = parser.parse_args()
    if not words.self_test and words.folder is None:
        parser.error("name a folder, or --self-test")
    return words


def is_personal(path, patterns):
    return any(fnmatch.fnmatchcase(path.stem, pattern) for pattern in patterns)


def report(found):
    for check, name, findings, notes in found:
        if findings:
            rest = len(findings) - FINDINGS_SHOWN
            more = f"; and {rest} more" if rest > 0 else ""
            print(f"FAIL {check} {name}: {'; '.join(findings[:FINDINGS_SHOWN])}{more}")
        for note in notes:
            print(f"note {check} {name}: {note}")
    print("\ncheck  passed  failed")
    for check, asks in CHECKS.items():
        passed, failed = count(one for one in found if one[0] == check)
        print(f"{check:<5}  {passed:>6}  {failed:>6}  {asks}")
    passed, failed = count(found)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def count(found):
    outcomes = [bool(findings) for _, _, findings, _ in found]
    return outcomes.count(False), outcomes.count(True)


if __name__ == "__main__":
    sys.exit(main())
