#!/usr/bin/env node
// Looks at the pages of the real program as people meet them; README.md says what and how.

import { parseArgs } from 'node:util';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { withChromium } from '../inbox/checks/chromium.mjs';
import { conclude } from '../inbox/checks/conclusion.mjs';
import { codeSniffer, equalAccess } from './audits.mjs';
import { nuErrors } from './nu.mjs';
import { withDemo } from './demo.mjs';
import { accessibility, overflow, walk } from './looks.mjs';
import { visit, visits } from './visits.mjs';

/** Every check by its name, with what it asks. */
const CHECKS = {
  A1: 'accessible, by axe',
  A2: 'no sideways scrolling',
  A3: 'accessible, by HTML CodeSniffer',
  A4: 'accessible, by IBM Equal Access',
  A6: 'valid for the Nu checker',
  A7: 'every control reached by keyboard, seen, and large enough',
  P1: 'the status, the language, one h1, and its twin',
  P2: 'nothing in the console, no other host, no cookie',
};

/** The ways to look at a page. */
const SMALL_LIGHT = { width: 320, scheme: 'light' };
const SMALL_DARK = { width: 320, scheme: 'dark' };
const LARGE_LIGHT = { width: 1280, scheme: 'light' };
const LARGE_DARK = { width: 1280, scheme: 'dark' };
const ALL_LOOKS = [SMALL_LIGHT, LARGE_LIGHT, SMALL_DARK, LARGE_DARK];

/**
 * The two languages of a page are made of the same parts, so what a button leads to is looked at in English alone, and
 * what is opened in French in one way that it was not in English. With `--all`, each in every way.
 */
const OPENED = { en: [SMALL_LIGHT, LARGE_DARK], fr: [SMALL_DARK] };
const LED_TO = { en: [SMALL_LIGHT], fr: [] };

/** Asked in every way; asked once of each page; and what of that goes by the text, so that both languages are asked. */
const EACH_TIME = ['A1', 'A2'];
const ONCE = ['A3', 'A4', 'A7'];
const ONCE_IN_EACH = ['A3'];

const RUN = { A1: accessibility, A2: (view) => view.evaluate(overflow), A3: codeSniffer, A4: equalAccess, A7: walk };

/** Two visits at once keep two cores busy. */
const VISITS_AT_ONCE = 2;

const FINDINGS_SHOWN = 5;

/** How long a step of a visit may take. */
const PATIENCE_MS = 15_000;

const { values } = parseArgs({
  options: {
    program: { type: 'string', default: 'target/debug/bulletin' },
    pictures: { type: 'string' },
    only: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
});

const found = await withDemo(values.program, (demo) => withChromium((browser) => lookAtAll(demo, browser)));
showFailures(found);
process.exitCode = conclude(found, CHECKS);

/** The findings of every check of every page: `[{ check, name, findings }]`. */
async function lookAtAll(demo, browser) {
  const all = [];
  const sources = [];
  const waiting = (await visits(demo)).filter(({ name }) => !values.only || name.includes(values.only));
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      for (const { name, seen, source } of await look(demo, browser, next)) {
        if (source) sources.push({ name, source });
        for (const [check, places] of Object.entries(seen)) {
          const findings = [...places].map(([finding, at]) => `${finding}${at.size > 0 ? ` (${[...at].join(', ')})` : ''}`);
          all.push({ check, name, findings });
        }
      }
    }
  };
  await Promise.all(Array.from({ length: VISITS_AT_ONCE }, lane));
  const nu = await nuErrors(sources);
  for (const { name } of sources) all.push({ check: 'A6', name, findings: nu.get(name) });
  return all;
}

/** All pages of a visit: what is wrong by check, each finding with where; and each page's source. */
async function look(demo, browser, whole) {
  const context = await browser.newContext({ reducedMotion: 'reduce', locale: whole.language });
  const view = await context.newPage();
  view.setDefaultTimeout(PATIENCE_MS);
  const loud = [];
  view.on('console', (message) => loud.push(`console: ${message.text()}`));
  view.on('pageerror', (error) => loud.push(`error: ${error.message}`));
  view.on('request', (request) => {
    if (!request.url().startsWith(demo.base)) loud.push(`request to ${request.url()}`);
  });
  const pages = [];
  try {
    await visit(demo, view, whole, async (name, answer) => {
      const isFirst = pages.length === 0;
      const page = { ...whole, name, isFirst };
      pages.push({ name, seen: await lookAt(view, answer, page, loud.splice(0)), source: await answer.text() });
    });
  } catch (error) {
    const why = new Map([[error.message.split('\n')[0], new Set()]]);
    pages.push({ name: `${whole.name}, after page ${pages.length}`, seen: { P1: why } });
  }
  await context.close();
  return pages;
}

/** One page in every look: what is wrong by check, each finding with where. */
async function lookAt(view, answer, page, loud) {
  const seen = { A1: new Map(), A2: new Map(), A3: new Map(), A4: new Map(), A7: new Map(), P1: new Map(), P2: new Map() };
  const note = (check, findings, at) => {
    for (const finding of findings) {
      if (!seen[check].has(finding)) seen[check].set(finding, new Set());
      if (at) seen[check].get(finding).add(at);
    }
  };
  note('P1', await frame(view, answer, page));
  const asked = values.all || page.language === 'en' ? ONCE : ONCE_IN_EACH;
  for (const [number, { width, scheme }] of looks(page).entries()) {
    await view.setViewportSize({ width, height: 900 });
    await view.emulateMedia({ colorScheme: scheme });
    for (const check of number === 0 ? [...EACH_TIME, ...asked] : EACH_TIME) {
      note(check, await RUN[check](view), `${width} px ${scheme}`);
    }
    if (values.pictures) await picture(view, page, width, scheme);
  }
  const isRefusal = answer.status() !== 200;
  note('P2', loud.filter((line) => !(isRefusal && line.includes('Failed to load resource'))));
  note('P2', (await view.context().cookies()).map(({ name }) => `cookie ${name}`));
  return seen;
}

function looks({ isFirst, language }) {
  if (values.all) return ALL_LOOKS;
  return (isFirst ? OPENED : LED_TO)[language];
}

async function frame(view, answer, { status, language, personal, isFirst }) {
  const findings = [];
  if (!status.includes(answer.status())) findings.push(`answered ${answer.status()}`);
  const told = await view.evaluate(() => ({
    lang: document.documentElement.lang,
    headings: document.querySelectorAll('h1').length,
    twins: document.querySelectorAll('link[rel=alternate][hreflang]').length,
    hidden: document.querySelector('meta[name=robots]')?.content ?? '',
  }));
  if (answer.status() === 200 && told.lang !== language) findings.push(`lang is '${told.lang}'`);
  if (told.headings !== 1) findings.push(`${told.headings} h1`);
  if (!personal && isFirst && answer.status() === 200 && told.twins !== 2) findings.push(`${told.twins} hreflang links`);
  if (personal && !told.hidden.includes('noindex')) findings.push('may be indexed');
  return findings;
}

async function picture(view, { name }, width, scheme) {
  mkdirSync(values.pictures, { recursive: true });
  const file = `${name.replace(/[^a-z0-9]+/gi, '_').slice(0, 90)}-${width}-${scheme}.png`;
  await view.screenshot({ path: join(values.pictures, file), fullPage: true });
}

/** Prints what each page fails. */
function showFailures(found) {
  for (const { check, name, findings } of found.filter(({ findings }) => findings.length > 0)) {
    const rest = findings.length - FINDINGS_SHOWN;
    const shown = findings.slice(0, FINDINGS_SHOWN).join('; ');
    console.log(`FAIL ${check} ${name}: ${shown}${rest > 0 ? `; and ${rest} more` : ''}`);
  }
}
