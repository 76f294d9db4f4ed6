"""Proves that every check of messages can fail: a check that cannot is worse than none."""

import json
import re
import tempfile
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent.parent / "samples"


def run(verdicts, checks):
    """The good sample must pass every check, the bad one must fail every check and for each of the
    reasons that `samples/bad.expected.json` names. Gives the exit status."""
    key = (SAMPLES / "key.txt").read_text()
    good, bad = (findings(verdicts, name, key) for name in ("good", "bad"))
    expected = json.loads((SAMPLES / "bad.expected.json").read_text())
    results = []
    for check in checks:
        results.append((good.get(check) == [], f"{check} passes the good sample: {good.get(check)}"))
        results.append((bool(bad.get(check)), f"{check} refuses the bad sample"))
        results += [(any(reason in finding for finding in bad.get(check, [])), f"{check} finds '{reason}'")
                    for reason in expected[check]]
    results += [(can_be_unsigned(verdicts), "an unsigned copy passes what it is asked")]
    for passed, what in results:
        print("ok  " if passed else "FAIL", what)
    failed = sum(not passed for passed, _ in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


def findings(verdicts, name, key):
    return {check: list(found) for check, _, found, _ in verdicts(SAMPLES / f"{name}.eml", key, False)}


def can_be_unsigned(verdicts):
    """Where the relay signs, S3 and S4 are not asked and nothing else complains."""
    signed = (SAMPLES / "good.eml").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "good.eml"
        path.write_bytes(re.sub(rb"DKIM-Signature:.*\r\n(?:[ \t].*\r\n)*", b"", signed))
        found = {check: list(found) for check, _, found, _ in verdicts(path, None, False)}
    return set(found) == {"S7", "HDR", "S5"} and not any(found.values())
