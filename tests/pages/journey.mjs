#!/usr/bin/env node
// One reader's whole way, in a browser without scripts, on the real program: finds a study, signs up for its topic, confirms
// from the mail, changes topics, gets the next digest, leaves, and comes back.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { withChromium } from '../inbox/checks/chromium.mjs';
import { withDemo } from './demo.mjs';

const { values } = parseArgs({
  options: {
    program: { type: 'string', default: 'target/debug/bulletin' },
    pictures: { type: 'string' },
  },
});

const READER = 'new.reader@example.org';
const PATIENCE_MS = 60_000;

/** The next month, on a topic that the reader adds on the way. */
const NEXT = `+++
month = "2023-01"
+++

# A Study That Came Afterwards

Type: survey
Topics: empathy

It found what the reader was waiting for.

## Practice implications

Read it.
`;

/** Each step in order, with what must be true after it. */
const STEPS = [
  ['finds a study', findsAStudy],
  ['signs up for its topic', signsUp],
  ['confirms from the mail', confirms],
  ['is welcomed', isWelcomed],
  ['changes topics', changesTopics],
  ['receives the next digest', receives],
  ['asks for more like it', asksForMore],
  ['leaves', leaves],
  ['comes back', comesBack],
];

process.exitCode = await withDemo(resolve(values.program), (demo) => withChromium((browser) => travel(demo, browser)));

async function travel(demo, browser) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 360, height: 780 } });
  const way = { demo, page: await context.newPage(), seen: new Set() };
  way.mails = await demo.mails.count();
  let passed = 0;
  for (const [name, step] of STEPS) {
    try {
      await step(way);
      if (values.pictures) await picture(way.page, passed, name);
      passed += 1;
      console.log(`ok   ${name}`);
    } catch (error) {
      console.log(`FAIL ${name}: ${error.message}\n     at ${way.page.url()}`);
      break;
    }
  }
  const failed = STEPS.length - passed;
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function findsAStudy({ demo, page }) {
  await page.goto(demo.base);
  await page.getByRole('link', { name: 'Search', exact: true }).click();
  await page.getByRole('searchbox').fill('alliance');
  await page.getByRole('searchbox').press('Enter');
  await page.locator('article h2 a, article h3 a').first().click();
  must(/\/summaries\/\d+$/.test(page.url()), 'a study opens');
}

async function signsUp({ page }) {
  await page.getByRole('link', { name: 'Subscribe', exact: true }).first().click();
  await page.getByLabel('Email address').fill(READER);
  await page.getByRole('checkbox', { name: /^Common Factors/ }).check();
  await page.getByRole('button', { name: 'Show what I would have received' }).click();
  must(await page.locator('#preview').isVisible(), 'the preview is there');
  must(await page.getByRole('checkbox', { name: /^Common Factors/ }).isChecked(), 'and the topic still ticked');
  // Who fills in a form faster than anybody reads is asked to press once more, as this reader is.
  const done = page.getByRole('heading', { name: 'Now look at your mail' });
  await until(async () => {
    await page.getByRole('button', { name: 'Subscribe', exact: true }).click();
    return done.isVisible();
  }, 'the form is taken');
}

async function confirms(way) {
  const { page } = way;
  await page.goto(await linkOf(way, '/c/'));
  await page.getByRole('button', { name: 'Yes, subscribe me' }).click();
  must(await page.getByRole('heading', { name: 'You are subscribed' }).isVisible(), 'it is confirmed');
}

async function isWelcomed(way) {
  way.choices = await linkOf(way, '/p/');
  await way.page.goto(way.choices);
  must((await way.page.textContent('main')).includes('n•••@e•••.org'), 'the address is masked');
  must(!(await way.page.content()).includes(READER), 'and nowhere in full');
}

async function changesTopics({ page }) {
  await page.getByRole('checkbox', { name: /^Empathy/ }).check();
  await page.getByRole('button', { name: 'Keep these choices' }).click();
  must((await page.textContent('main')).includes('Kept.'), 'it is kept');
  must(await page.getByRole('checkbox', { name: /^Empathy/ }).isChecked(), 'and shown');
}

async function receives(way) {
  const { demo, page } = way;
  writeFileSync(join(demo.folder, 'next.md'), NEXT);
  bulletin(demo, 'import', 'next.md');
  bulletin(demo, 'issue', 'confirm', '2023-01');
  bulletin(demo, 'send', '2023-01');
  way.like = await linkOf(way, '/s/');
  await page.goto(`${demo.base}/demo/mails/${way.last}/html`);
  must((await page.textContent('body')).includes('A Study That Came Afterwards'), 'the digest has the study');
}

async function asksForMore({ page, like }) {
  await page.goto(like);
  must((await page.getByRole('button').count()) <= 1, 'one button at most');
}

async function leaves(way) {
  const { page } = way;
  await page.goto(await linkOf(way, '/u/', way.last));
  await page.getByRole('button', { name: 'Unsubscribe' }).click();
  must((await page.textContent('h1')).includes('unsubscribed'), 'it says so');
  way.back = await linkOf(way, '/u/');
}

async function comesBack({ page, back, choices }) {
  await page.goto(back);
  await page.getByRole('button').first().click();
  await page.goto(choices);
  must(await page.getByRole('checkbox', { name: /^Empathy/ }).isChecked(), 'with the choices of before');
}

/** The address behind a link with `part` in it, of the reader's next mail, or of the mails from a number on. */
async function linkOf(way, part, since = way.mails) {
  const { number, path } = await way.demo.mails.linkTo(READER, part, since);
  way.last = number;
  way.mails = Math.max(way.mails, number + 1);
  return way.demo.base + path;
}

/** A command of the service, on the demo's database. */
function bulletin(demo, ...words) {
  const env = {
    ...process.env,
    BULLETIN_DATABASE_URL: `sqlite://${join(demo.folder, 'bulletin.db')}`,
    BULLETIN_SECRET_KEY_FILE: join(demo.folder, 'bulletin.key'),
    BULLETIN_SITE_URL: demo.base,
    BULLETIN_SENDER_FROM: 'Practice Research Digest <digest@example.org>',
    BULLETIN_SENDER_REPLY_TO: 'editor@example.org',
    BULLETIN_SENDER_POSTAL_ADDRESS: '1 Sample Street',
    BULLETIN_SENDER_CONTACT: 'editor@example.org',
    BULLETIN_DELIVERY_UNDO: '0s',
  };
  execFileSync(demo.program, words, { cwd: demo.folder, env, stdio: 'pipe' });
}

function must(holds, what) {
  if (!holds) throw new Error(`not so: ${what}`);
}

async function until(holds, what) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`in vain waited for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function picture(page, number, name) {
  mkdirSync(values.pictures, { recursive: true });
  const file = `journey-${number + 1}-${name.replace(/\W+/g, '-')}.png`;
  await page.screenshot({ path: join(values.pictures, file), fullPage: true });
}
