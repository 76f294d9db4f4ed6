// Proves that every check can fail: a check that cannot is worse than none.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { mailsIn } from './mails.mjs';

const SAMPLES = new URL('samples/', import.meta.url);

/** What makes the bad sample too heavy, added here because nobody wants it in the repository. */
const BALLAST = `<!-- ${'x'.repeat(100_000)} -->`;

/**
 * The good sample must pass every check, the bad one must fail every check and for each of the
 * reasons that `samples/bad.expected.json` names. Gives the exit status.
 */
export async function selfTest(verdicts, checks) {
  const found = await verdicts(samples());
  const expected = JSON.parse(readFileSync(new URL('bad.expected.json', SAMPLES), 'utf8'));
  const results = checks.flatMap((check) => [
    ...passes(check, findingsOf(found, check, 'good')),
    ...fails(check, findingsOf(found, check, 'bad'), expected[check] ?? []),
  ]);
  for (const { line } of results) console.log(line);
  const failed = results.filter(({ ok }) => !ok).length;
  console.log(`${results.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function samples() {
  return mailsIn(fileURLToPath(SAMPLES)).map((mail) =>
    mail.name === 'bad' ? { ...mail, html: mail.html + BALLAST } : mail);
}

function findingsOf(found, check, name) {
  return found.find((one) => one.check === check && one.name === name)?.findings;
}

function passes(check, findings) {
  if (findings?.length === 0) return [result(true, `${check} passes the good sample`)];
  return [result(false, `${check} refuses the good sample: ${findings?.join('; ') ?? 'it did not run'}`)];
}

function fails(check, findings = [], reasons) {
  const named = reasons.map((reason) =>
    result(findings.some((finding) => finding.includes(reason)), `${check} finds '${reason}' in the bad sample`));
  return [result(findings.length > 0 && reasons.length > 0, `${check} refuses the bad sample`), ...named];
}

function result(ok, what) {
  return { ok, line: `${ok ? 'ok  ' : 'FAIL'} ${what}` };
}
