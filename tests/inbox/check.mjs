#!/usr/bin/env node
// Checks the mails of a folder as an inbox would show them; README.md says what and how.

import { parseArgs } from 'node:util';
import { badLinks } from './checks/links.mjs';
import { conclude } from './checks/conclusion.mjs';
import { clientScores, missingFeatures, unusedExcuses } from './checks/clients.mjs';
import { heaviness, leftovers, nuErrors, ruleErrors, weight } from './checks/markup.mjs';
import { parity } from './checks/parity.mjs';
import { rendering } from './checks/rendering.mjs';
import { newView, withChromium } from './checks/chromium.mjs';
import { mailsIn } from './mails.mjs';
import { selfTest } from './selftest.mjs';

/** Every check by its name, in the order of the table, with what it asks. */
const CHECKS = {
  E1: 'shown as meant in every client',
  E2: 'no feature that a client lacks',
  E4: 'valid for the Nu checker',
  E5: 'valid for html-validate',
  E7: 'not cut for its size',
  E8: 'links lead somewhere and say where',
  E9: 'nothing left of a template',
  E10: 'text part says the same',
  E11: 'fits a narrow screen, light and dark',
  A8: 'accessible',
};

/** What is asked of one mail, without a browser. The second list is all that text alone needs. */
const OF_HTML = { E1: clientScores, E2: missingFeatures, E5: ruleErrors, E7: weight, E8: badLinks };
const OF_EACH = { E9: leftovers, E10: parity };

/** Two pages at once keep two cores busy; more only wait for each other. */
const PAGES_AT_ONCE = 2;

const FINDINGS_SHOWN = 5;

const { values, positionals } = parseArgs({
  options: { 'self-test': { type: 'boolean' }, verbose: { type: 'boolean' } },
  allowPositionals: true,
});
if (values['self-test']) {
  process.exitCode = await selfTest(verdicts, Object.keys(CHECKS));
} else if (positionals.length === 1) {
  process.exitCode = await checkFolder(positionals[0], values.verbose);
} else {
  console.error('usage: check.mjs [--verbose] DIR | --self-test');
  process.exitCode = 2;
}

/** Prints what each mail fails, the table and the count; the exit status. */
async function checkFolder(folder, verbose) {
  const mails = mailsIn(folder);
  if (mails.length === 0) {
    console.log(`FAIL ${folder} has no mails, so nothing was checked\n0 passed, 1 failed`);
    return 1;
  }
  const found = await verdicts(mails);
  for (const { check, name, findings } of found.filter(({ findings }) => findings.length > 0)) {
    console.log(`FAIL ${check} ${name}: ${inOneLine(findings, verbose)}`);
  }
  for (const mail of mails.filter(({ html }) => html !== null)) {
    const heavy = heaviness(mail);
    if (heavy) console.log(`warn E7 ${mail.name}: ${heavy}`);
  }
  for (const feature of unusedExcuses()) console.log(`note E2 no mail here needs '${feature}' in accept.json`);
  return conclude(found, CHECKS);
}

/** The findings of every check that a mail is due: `[{ check, name, findings }]`. */
async function verdicts(mails) {
  const withHtml = mails.filter(({ html }) => html !== null);
  const [nu, rendered] = await Promise.all([nuErrors(withHtml), renderings(withHtml)]);
  const found = [];
  for (const mail of mails) {
    const asked = mail.html === null ? OF_EACH : { ...OF_HTML, ...OF_EACH };
    const ready = mail.html === null ? {} : { E4: nu.get(mail.name), ...rendered.get(mail.name) };
    for (const check of Object.keys(CHECKS)) {
      const findings = asked[check] ? await asked[check](mail) : ready[check];
      if (findings !== undefined) found.push({ check, name: mail.name, findings });
    }
  }
  return found;
}

async function renderings(mails) {
  if (mails.length === 0) return new Map();
  const waiting = [...mails];
  const rendered = new Map();
  await withChromium(async (browser) => {
    const lane = async () => {
      const view = await newView(browser);
      for (let mail = waiting.shift(); mail; mail = waiting.shift()) {
        rendered.set(mail.name, await rendering(view, mail));
      }
    };
    await Promise.all(Array.from({ length: PAGES_AT_ONCE }, lane));
  });
  return rendered;
}

function inOneLine(findings, verbose) {
  if (verbose) return findings.map((finding) => `\n  ${finding}`).join('');
  const rest = findings.length - FINDINGS_SHOWN;
  return findings.slice(0, FINDINGS_SHOWN).join('; ') + (rest > 0 ? `; and ${rest} more (--verbose)` : '');
}
