// E4, E5, E7 and E9: is it valid, small enough, and finished?

import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HtmlValidate } from 'html-validate';
import { lineOf } from './document.mjs';

/** Gmail shows the first 102 KB of a mail and hides the rest, the unsubscribe link with it. */
const BYTES_REFUSED = 100_000;
const BYTES_WARNED = 60_000;

/** What no reader should meet: a template's marks, a missing value's name, a noncharacter. */
const LEFTOVERS = /\{\{|\{%|%%|\*\||\bundefined\b|\[object Object\]|[\u{FDD0}-\u{FDEF}\u{FFFD}\u{FFFE}\u{FFFF}]/gu;

const validator = new HtmlValidate(
  JSON.parse(readFileSync(new URL('../html-validate.json', import.meta.url), 'utf8')),
);

/**
 * E4: what the Nu checker refuses, by the name of the mail. Java starts once for all mails,
 * because its start takes longer than its work.
 */
export async function nuErrors(mails) {
  const jar = createRequire(import.meta.url).resolve('vnu-jar/build/dist/vnu.jar');
  const found = new Map(mails.map(({ name }) => [name, []]));
  if (mails.length === 0) return found;
  const options = ['--errors-only', '--exit-zero-always', '--format', 'json', '--filterpattern', '.*mso-.*'];
  const answer = await nuAnswer(['-jar', jar, ...options, ...mails.map(({ file }) => file)]);
  const nameOf = new Map(mails.map(({ name, file }) => [file, name]));
  for (const { url, lastLine, message } of answer.messages) {
    const name = nameOf.get(fileURLToPath(url));
    if (name === undefined) throw new Error(`the Nu checker speaks of ${url}, which it was not given`);
    found.get(name).push(`line ${lastLine}: ${message}`);
  }
  return found;
}

/** E5: what html-validate refuses, under the rules of `html-validate.json`. */
export async function ruleErrors({ html, file }) {
  const { results } = await validator.validateString(html, file);
  return results.flatMap(({ messages }) => messages)
    .filter(({ severity }) => severity === 2)
    .map(({ line, message, ruleId }) => `line ${line}: ${message} [${ruleId}]`);
}

/** E7: an HTML part that clients would cut off. */
export function weight({ html }) {
  const bytes = Buffer.byteLength(html);
  return bytes >= BYTES_REFUSED ? [`${bytes} bytes, ${BYTES_REFUSED} is where clients cut`] : [];
}

/** A warning where a mail is heavy but not yet cut; null where it is light. */
export function heaviness({ html }) {
  const bytes = Buffer.byteLength(html);
  const heavy = bytes > BYTES_WARNED && bytes < BYTES_REFUSED;
  return heavy ? `${bytes} bytes, over the ${BYTES_WARNED} to aim at` : null;
}

/** E9: a template's leftovers, in both parts. */
export function leftovers({ html, text }) {
  return [...leftoversIn('html', html), ...leftoversIn('text', text)];
}

function leftoversIn(part, source) {
  return [...(source ?? '').matchAll(LEFTOVERS)].map(({ 0: mark, index }) =>
    `${printable(mark)} in the ${part} part, line ${lineOf(source, index)}`);
}

function printable(mark) {
  const code = mark.codePointAt(0);
  return code < 0xfdd0 ? `'${mark}'` : `U+${code.toString(16).toUpperCase()}`;
}

function nuAnswer(words) {
  return new Promise((resolve, reject) => {
    execFile('java', words, { maxBuffer: 1 << 28 }, (error, _out, answer) => {
      if (error) reject(new Error(`the Nu checker did not run: ${error.message}`));
      else resolve(JSON.parse(answer));
    });
  });
}
