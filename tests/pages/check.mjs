#!/usr/bin/env node
// Looks at the pages of the real program as people meet them; README.md says what and how.

import { parseArgs } from 'node:util';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withChromium } from '../inbox/checks/chromium.mjs';
import { nuErrors } from './nu.mjs';
import { withDemo } from './demo.mjs';
import { WALKED, accessibility, overflow, walk } from './looks.mjs';

/** Every check by its name, with what it asks. */
const CHECKS = {
  A1: 'accessible, by axe',
  A2: 'no sideways scrolling',
  A6: 'valid for the Nu checker',
  A7: 'every control reached by keyboard, seen, and large enough',
  P1: 'the status, the language, one h1, and its twin',
  P2: 'nothing in the console, no other host, no cookie',
};

const WIDTHS = [320, 1280];
const SCHEMES = ['light', 'dark'];
const LANGUAGES = ['en', 'fr'];

/** Two pages at once keep two cores busy. */
const PAGES_AT_ONCE = 2;

const FINDINGS_SHOWN = 5;

const { values } = parseArgs({
  options: {
    program: { type: 'string', default: 'target/debug/bulletin' },
    pictures: { type: 'string' },
    only: { type: 'string' },
  },
});
const pages = JSON.parse(readFileSync(new URL('paths.json', import.meta.url), 'utf8'));

const found = await withDemo(values.program, (demo) => withChromium((browser) => lookAtAll(demo, browser)));
process.exitCode = conclude(found);

/** The findings of every check of every page: `[{ check, name, findings }]`. */
async function lookAtAll(demo, browser) {
  const all = [];
  const sources = [];
  const waiting = await places(demo);
  const lane = async () => {
    for (let page = waiting.shift(); page; page = waiting.shift()) {
      const { seen, source } = await lookAt(demo, browser, page);
      sources.push({ name: page.name, source });
      for (const [check, places] of Object.entries(seen)) {
        const findings = [...places].map(([finding, at]) => `${finding}${at.size > 0 ? ` (${[...at].join(', ')})` : ''}`);
        all.push({ check, name: page.name, findings });
      }
    }
  };
  await Promise.all(Array.from({ length: PAGES_AT_ONCE }, lane));
  const nu = await nuErrors(sources);
  for (const { name } of sources) all.push({ check: 'A6', name, findings: nu.get(name) });
  return all;
}

/** Every page of the list in every language that it has, as an address. */
async function places(demo) {
  const list = [];
  for (const { path, link, then = '', is, status = [200] } of pages) {
    if (link) {
      list.push({ path: (await demo.linkInMail(link)) + then, name: `${link}… (${is})`, status, personal: true });
      continue;
    }
    for (const language of LANGUAGES) {
      const there = language === 'en' ? path : path === '/' ? '/fr' : `/fr${path}`;
      list.push({ path: there, name: there, status, language });
    }
  }
  return list.filter(({ name }) => !values.only || name.includes(values.only));
}

/** One page at every width in every scheme: what is wrong by check, each finding with where; and the page's source. */
async function lookAt(demo, browser, page) {
  const seen = { A1: new Map(), A2: new Map(), A7: new Map(), P1: new Map(), P2: new Map() };
  const note = (check, findings, at) => {
    for (const finding of findings) {
      if (!seen[check].has(finding)) seen[check].set(finding, new Set());
      if (at) seen[check].get(finding).add(at);
    }
  };
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  const view = await context.newPage();
  const loud = [];
  view.on('console', (message) => loud.push(`console: ${message.text()}`));
  view.on('pageerror', (error) => loud.push(`error: ${error.message}`));
  view.on('request', (request) => {
    if (!request.url().startsWith(demo.base)) loud.push(`request to ${request.url()}`);
  });
  const answer = await view.goto(demo.base + page.path);
  const source = await answer.text();
  note('P1', await frame(view, answer, page));
  for (const scheme of SCHEMES) {
    for (const width of WIDTHS) {
      const at = `${width} px ${scheme}`;
      await view.setViewportSize({ width, height: 900 });
      await view.emulateMedia({ colorScheme: scheme });
      note('A1', await accessibility(view), at);
      note('A2', await view.evaluate(overflow), at);
      if (WALKED.includes(at)) note('A7', await walk(view), at);
      if (values.pictures) await picture(view, page, width, scheme);
    }
  }
  const isRefusal = answer.status() !== 200;
  note('P2', loud.filter((line) => !(isRefusal && line.includes('Failed to load resource'))));
  note('P2', (await context.cookies()).map(({ name }) => `cookie ${name}`));
  await context.close();
  return { seen, source };
}

async function frame(view, answer, { status, language, path, personal }) {
  const findings = [];
  if (!status.includes(answer.status())) findings.push(`answered ${answer.status()}`);
  const told = await view.evaluate(() => ({
    lang: document.documentElement.lang,
    headings: document.querySelectorAll('h1').length,
    twins: document.querySelectorAll('link[rel=alternate][hreflang]').length,
    hidden: document.querySelector('meta[name=robots]')?.content ?? '',
  }));
  if (language && answer.status() === 200 && told.lang !== language) findings.push(`lang is '${told.lang}'`);
  if (told.headings !== 1) findings.push(`${told.headings} h1`);
  if (!personal && answer.status() === 200 && told.twins !== 2) findings.push(`${told.twins} hreflang links`);
  if (personal && !told.hidden.includes('noindex')) findings.push(`${path.slice(0, 3)}… may be indexed`);
  return findings;
}

async function picture(view, { name }, width, scheme) {
  mkdirSync(values.pictures, { recursive: true });
  const file = `${name.replace(/[^a-z0-9]+/gi, '_').slice(0, 60)}-${width}-${scheme}.png`;
  await view.screenshot({ path: join(values.pictures, file), fullPage: true });
}

/** Prints what each page fails, the table and the count; the exit status. */
function conclude(found) {
  for (const { check, name, findings } of found.filter(({ findings }) => findings.length > 0)) {
    const rest = findings.length - FINDINGS_SHOWN;
    const shown = findings.slice(0, FINDINGS_SHOWN).join('; ');
    console.log(`FAIL ${check} ${name}: ${shown}${rest > 0 ? `; and ${rest} more` : ''}`);
  }
  console.log('\ncheck  passed  failed');
  for (const [check, asks] of Object.entries(CHECKS)) {
    const { passed, failed } = count(found.filter((one) => one.check === check));
    console.log(`${check.padEnd(5)}  ${String(passed).padStart(6)}  ${String(failed).padStart(6)}  ${asks}`);
  }
  const { passed, failed } = count(found);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

function count(found) {
  const failed = found.filter(({ findings }) => findings.length > 0).length;
  return { passed: found.length - failed, failed };
}
