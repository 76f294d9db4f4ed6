#!/usr/bin/env node
// The editor's desk of the real program, in a browser. An editor goes from the link on the terminal to an issue that is
// sent, by keyboard and mouse and without a manual; then every page that links lead to is looked at, in both languages.

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { withChromium } from '../inbox/checks/chromium.mjs';
import { conclude } from '../inbox/checks/conclusion.mjs';
import { codeSniffer, equalAccess } from './audits.mjs';
import { withDemo } from './demo.mjs';
import { STEPS } from './editor.mjs';
import { accessibility, overflow, walk } from './looks.mjs';
import { nuErrors } from './nu.mjs';

const CHECKS = {
  A1: 'accessible, by axe',
  A2: 'no sideways scrolling',
  A3: 'accessible, by HTML CodeSniffer',
  A4: 'accessible, by IBM Equal Access',
  A6: 'valid for the Nu checker',
  A7: 'every control reached by keyboard, seen, and large enough',
  P2: 'nothing in the console, no other host, one cookie that no script reads',
  W1: 'the way from the link on the terminal to an issue that is sent',
};

const SMALL_LIGHT = { width: 320, scheme: 'light' };
const LARGE_LIGHT = { width: 1280, scheme: 'light' };
const LARGE_DARK = { width: 1280, scheme: 'dark' };

/** What is asked in which look; the two languages of a page are made of the same parts. */
const LOOKS = {
  en: [[SMALL_LIGHT, ['A1', 'A2', 'A3', 'A4', 'A7']], [LARGE_LIGHT, ['A1']], [LARGE_DARK, ['A1', 'A2']]],
  fr: [[SMALL_LIGHT, ['A2', 'A3']]],
};

/**
 * What axe cannot judge and somebody did: text in a plot has the page's own colours on the page's own ground; and what lies
 * outside the window within a table that scrolls is judged in the wide window.
 */
const isJudged = (finding, width) => /unsure: .*\[color-contrast\]/.test(finding) && (/ at (text|\.plot)/.test(finding) || width === 320);

const RUN = { A1: accessibility, A2: (view) => view.evaluate(overflow), A3: codeSniffer, A4: equalAccess, A7: walk };

const PATIENCE_MS = 60_000;

const FINDINGS_SHOWN = 5;

const { values } = parseArgs({
  options: {
    program: { type: 'string', default: 'target/debug/bulletin' },
    pictures: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});

const found = [];
const sources = [];
await withDemo(resolve(values.program), (demo) => withChromium(async (browser) => {
  const view = await entered(browser, demo);
  await way(view, demo);
  for (const language of ['en', 'fr']) {
    await speak(view, demo, language);
    await crawl(view, demo, language);
  }
}));
const nu = await nuErrors(sources);
for (const { name } of sources) found.push({ check: 'A6', name, findings: nu.get(name) });
for (const { check, name, findings } of found.filter(({ findings }) => findings.length > 0)) {
  const rest = findings.length - FINDINGS_SHOWN;
  console.log(`FAIL ${check} ${name}: ${findings.slice(0, FINDINGS_SHOWN).join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`);
}
process.exitCode = conclude(found, CHECKS);

/** A page of a browser that keeps what is loud in `view.loud`. */
async function entered(browser, demo) {
  const context = await browser.newContext({ reducedMotion: 'reduce', viewport: { width: 360, height: 780 } });
  const view = await context.newPage();
  view.setDefaultTimeout(PATIENCE_MS);
  view.loud = [];
  view.on('console', (message) => view.loud.push(`console: ${message.text()}`));
  view.on('pageerror', (error) => view.loud.push(`error: ${error.message}`));
  view.on('request', (request) => {
    if (!request.url().startsWith(demo.base) && !request.url().startsWith('data:')) view.loud.push(`request to ${request.url()}`);
  });
  return view;
}

/** The editor's way, each step looked at where it ends. */
async function way(view, demo) {
  for (const [name, step] of STEPS) {
    const findings = [];
    try {
      await step({ view, demo });
    } catch (error) {
      findings.push(error.message.split('\n')[0]);
    }
    found.push({ check: 'W1', name, findings });
    await picture(view, `way ${name}`);
    // A form that is refused is part of the way.
    view.loud = view.loud.filter((line) => !/Failed to load resource.* 4\d\d /.test(line));
    if (findings.length > 0) return;
    await lookAt(view, `way: ${name}`, 'en');
  }
}

async function speak(view, demo, language) {
  await view.goto(`${demo.base}/desk/me`);
  await view.selectOption('#language', language);
  await Promise.all([view.waitForNavigation(), view.locator('form[action="/desk/me"] button').click()]);
}

/** Every page that links lead to from the overview, one of each kind. */
async function crawl(view, demo, language) {
  const seen = new Set();
  const waiting = ['/desk', '/desk/sign-in', '/desk/nothing'];
  while (waiting.length > 0) {
    const path = waiting.shift();
    if (seen.has(kind(path)) || !path.includes(values.only)) continue;
    seen.add(kind(path));
    const answer = await view.goto(demo.base + path).catch(() => null);
    if (!answer || !(answer.headers()['content-type'] ?? '').startsWith('text/html')) continue;
    const name = `${language} ${kind(path)}`;
    sources.push({ name, source: await answer.text() });
    if (answer.status() >= 500) found.push({ check: 'P2', name, findings: [`answered ${answer.status()}`] });
    if (answer.status() >= 400) view.loud = view.loud.filter((line) => !line.includes('Failed to load resource'));
    waiting.push(...await view.evaluate(() => [...document.querySelectorAll('a[href], iframe[src]')]
      .map((one) => new URL(one.getAttribute('href') ?? one.getAttribute('src'), location.href))
      .filter(({ origin, pathname }) => origin === location.origin && pathname.startsWith('/desk') && !/\.(csv|md|ics|json)$/.test(pathname))
      .map(({ pathname, search }) => pathname + search)));
    await lookAt(view, name, language);
  }
}

/** Pages that differ only in whose or which month they are. */
function kind(path) {
  return path
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '{id}')
    .replace(/\d{4}-\d{2}/g, '{month}')
    .replace(/([/=])\d+/g, '$1{n}')
    .replace(/=[^&{]+/g, '=…');
}

async function lookAt(view, name, language) {
  const cookies = (await view.context().cookies()).filter(({ httpOnly }) => !httpOnly).map(({ name }) => `cookie ${name} is a script's`);
  found.push({ check: 'P2', name, findings: [...new Set([...view.loud.splice(0), ...cookies])] });
  const seen = {};
  for (const [{ width, scheme }, checks] of LOOKS[language]) {
    await view.setViewportSize({ width, height: 900 });
    await view.emulateMedia({ colorScheme: scheme });
    for (const check of checks) {
      const findings = (await RUN[check](view)).filter((finding) => !isJudged(finding, width));
      seen[check] = [...(seen[check] ?? []), ...findings.map((finding) => `${finding} (${width} px ${scheme})`)];
    }
    await picture(view, `${name} ${width} ${scheme}`);
  }
  for (const [check, findings] of Object.entries(seen)) found.push({ check, name, findings });
  await view.setViewportSize({ width: 360, height: 780 });
  await view.emulateMedia({ colorScheme: 'light' });
  // What an audit changed must not stay; a page of a form that was sent is not asked for anew.
  view.loud.splice(0);
}

async function picture(view, name) {
  if (!values.pictures) return;
  mkdirSync(values.pictures, { recursive: true });
  const file = `${name.replace(/[^a-z0-9]+/gi, '_').slice(0, 100)}.png`;
  await view.screenshot({ path: join(values.pictures, file), fullPage: true });
}
