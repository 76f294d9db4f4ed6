#!/usr/bin/env node
// The editor's desk of the real program, in a browser. An editor goes from the link on the terminal to an issue that is
// sent, by keyboard and mouse and without a manual, and an owner lets others in; then every page that links lead to is
// looked at, in both languages.

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
import { OWNERS_STEPS, ownerOf } from './owner.mjs';

const CHECKS = {
  A1: 'accessible, by axe',
  A2: 'no sideways scrolling',
  A3: 'accessible, by HTML CodeSniffer',
  A4: 'accessible, by IBM Equal Access',
  A6: 'valid for the Nu checker',
  A7: 'every control reached by keyboard, seen, and large enough',
  P2: 'nothing in the console, no other host, one cookie that no script reads',
  W1: 'the way from the link on the terminal to an issue that is sent',
  W2: 'an owner’s way to others who may come in',
};

const SMALL_LIGHT = { width: 320, scheme: 'light' };
const LARGE_LIGHT = { width: 1280, scheme: 'light' };
const LARGE_DARK = { width: 1280, scheme: 'dark' };

/** What is asked in which look; the two languages of a page are made of the same parts. `--all` leaves nothing out. */
const LOOKS = {
  en: [[SMALL_LIGHT, ['A1', 'A2', 'A7']], [LARGE_DARK, ['A1', 'A2']]],
  fr: [[SMALL_LIGHT, ['A2']]],
};
const ALL_LOOKS = {
  en: [[SMALL_LIGHT, ['A1', 'A2', 'A3', 'A4', 'A7']], [LARGE_LIGHT, ['A1', 'A2']], [LARGE_DARK, ['A1', 'A2']]],
  fr: [[SMALL_LIGHT, ['A1', 'A2', 'A3', 'A4', 'A7']], [LARGE_DARK, ['A1', 'A2']]],
};

/**
 * What no program can judge and somebody did: text in a plot has the page's own colours on the page's own ground; what lies
 * outside the window within something that scrolls looks as what lies inside; a mail in its frame has checks of its own.
 */
const JUDGED = [
  /^unsure: .*\[color-contrast\] at (text|\.plot|\.choice:nth-child)/,
  /^unsure: .*\[(frame-tested|frame_src_valid)\]/,
];

const isJudged = (finding, width) => JUDGED.some((one) => one.test(finding)) || (width === 320 && /^unsure: .*\[color-contrast\]/.test(finding));

const RUN = { A1: accessibility, A2: (view) => view.evaluate(overflow), A3: codeSniffer, A4: equalAccess, A7: walk };

/** Where links lead to all other pages of theirs. */
const EDITORS_PAGES = ['/desk', '/desk/sign-in', '/desk/nothing'];
const OWNERS_PAGES = ['/desk/people', '/desk/audit', '/desk/tokens', '/desk/hooks'];

const PATIENCE_MS = 60_000;

const FINDINGS_SHOWN = 5;

const { values } = parseArgs({
  options: {
    program: { type: 'string', default: 'target/debug/bulletin' },
    pictures: { type: 'string' },
    only: { type: 'string', default: '' },
    all: { type: 'boolean', default: false },
  },
});

const found = [];
const sources = [];
await withDemo(resolve(values.program), (demo) => withChromium(async (browser) => {
  const editor = await entered(browser, demo);
  await way('W1', STEPS, { view: editor, demo });
  const owner = await entered(browser, demo);
  await way('W2', OWNERS_STEPS, { view: owner, demo, link: ownerOf(demo) });
  for (const language of ['en', 'fr']) {
    const seen = new Set();
    for (const [view, beginnings] of [[editor, EDITORS_PAGES], [owner, OWNERS_PAGES]]) {
      await speak(view, demo, language);
      await crawl(view, demo, language, beginnings, seen);
    }
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

/** Somebody's way, each step looked at where it ends. */
async function way(check, steps, at) {
  const { view } = at;
  for (const [name, step] of steps) {
    const findings = [];
    try {
      await step(at);
    } catch (error) {
      findings.push(error.message.split('\n')[0]);
    }
    found.push({ check, name, findings });
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

/** Every page that links lead to from the beginnings, one of each kind, but those that were seen. */
async function crawl(view, demo, language, beginnings, seen) {
  const waiting = [...beginnings];
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
    // What a frame shows is a mail, which has checks of its own.
    waiting.push(...await view.evaluate(() => [...document.querySelectorAll('a[href]')]
      .map((one) => new URL(one.getAttribute('href'), location.href))
      .filter(({ origin, pathname }) => origin === location.origin && pathname.startsWith('/desk') && !/\.(csv|md|ics|json)$/.test(pathname))
      .map(({ pathname, search }) => pathname + search)));
    await lookAt(view, name, language);
  }
}

/** Pages that differ only in whose or which month they are, or in what is asked of them. */
function kind(path) {
  return path
    .replace(/\?.*/, '')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '{id}')
    .replace(/\d{4}-\d{2}/g, '{month}')
    .replace(/\/\d+/g, '/{n}');
}

async function lookAt(view, name, language) {
  const cookies = (await view.context().cookies()).filter(({ httpOnly }) => !httpOnly).map(({ name }) => `cookie ${name} is a script's`);
  found.push({ check: 'P2', name, findings: [...new Set([...view.loud.splice(0), ...cookies])] });
  const seen = {};
  for (const [{ width, scheme }, checks] of (values.all ? ALL_LOOKS : LOOKS)[language]) {
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
