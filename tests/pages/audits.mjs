// Two more audits of a page, by others than axe: HTML CodeSniffer (the one within pa11y) and IBM's Equal Access.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const need = createRequire(new URL('../inbox/package.json', import.meta.url));
const SNIFFER = readFileSync(need.resolve('@pa11y/html_codesniffer/build/HTMLCS.js'), 'utf8');
const EQUAL_ACCESS = readFileSync(need.resolve('accessibility-checker-engine/ace.js'), 'utf8');

/** What Equal Access asks a person to look at, by its rule: each was looked at, and this is the answer. */
const ANSWERED = JSON.parse(readFileSync(new URL('answered.json', import.meta.url), 'utf8'));

/** What it calls a failure and axe asks for. */
const OVERRULED = {
  element_tabbable_role_valid: 'What scrolls by itself takes the focus, so that the arrows move it (axe: scrollable-region-focusable).',
};

/** A3: errors by WCAG 2.1 AA, as HTML CodeSniffer has it. */
export async function codeSniffer(view) {
  if (!(await view.evaluate(() => 'HTMLCS' in window))) await view.evaluate(SNIFFER);
  return view.evaluate(async () => {
    await new Promise((resolve) => window.HTMLCS.process('WCAG2AA', document, resolve));
    const errors = window.HTMLCS.getMessages().filter(({ type }) => type === window.HTMLCS.ERROR);
    return errors.map(({ msg, code, element }) => `${msg} [${code}] at ${element.outerHTML?.slice(0, 60)}`);
  });
}

/** A4: what fails by WCAG 2.2, and what a person is asked to look at and has not. */
export async function equalAccess(view) {
  if (!(await view.evaluate(() => 'ace' in window))) await view.evaluate(EQUAL_ACCESS);
  const found = await view.evaluate(async () => {
    // What is folded away counts as shown for it, but the legends within do not.
    for (const fold of document.querySelectorAll('details:not([open])')) fold.open = true;
    const { results } = await new window.ace.Checker().check(document, ['WCAG_2_2']);
    return results.map(({ value, ruleId, message, path }) => ({ value: value[1], ruleId, message, at: path.dom }));
  });
  return found
    .filter(({ value, ruleId }) => (value === 'FAIL' && !(ruleId in OVERRULED)) || (!['PASS', 'FAIL'].includes(value) && !(ruleId in ANSWERED)))
    .map(({ value, ruleId, message, at }) => `${value === 'FAIL' ? '' : 'unsure: '}${message} [${ruleId}] at ${at}`);
}
