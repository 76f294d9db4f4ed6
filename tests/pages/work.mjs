#!/usr/bin/env node
// While many ask for mail at once: a browser with scripts works for its form, one without waits, and both are heard.

import { parseArgs } from 'node:util';
import { withChromium } from '../inbox/checks/chromium.mjs';
import { withDemo } from './demo.mjs';

const { values } = parseArgs({ options: { program: { type: 'string', default: 'target/debug/bulletin' } } });

/** What one network may ask for in an hour before its visitors are asked for work. */
const FREE = 8;

const PATIENCE_MS = 60_000;
const DONE = 'Now look at your mail';
const MANY = 'Very many people are asking';

const TOLD = [
  ['many ask', many],
  ['a form without scripts is put off', isPutOff],
  ['a script works, and the sign-up goes through', (way) => works(way, '/subscribe', 'Subscribe')],
  ['and so it does for a fresh link', (way) => works(way, '/manage', 'Mail me a link')],
  ['the work is for one address', isForOneAddress],
  ['who has waited goes through without scripts', hasWaited],
];

process.exitCode = await withDemo(values.program, (demo) => withChromium((browser) => tryAll(demo, browser)));

async function tryAll(demo, browser) {
  const way = { demo, scripted: await visitor(browser, true), plain: await visitor(browser, false) };
  let failed = 0;
  for (const [name, step] of TOLD) {
    try {
      const told = await step(way);
      console.log(`ok   ${name}${told ? `: ${told}` : ''}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}: ${error.message}`);
    }
  }
  console.log(`${TOLD.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** A visitor, with or without scripts, and whatever their console says. */
async function visitor(browser, javaScriptEnabled) {
  const context = await browser.newContext({ javaScriptEnabled, locale: 'en' });
  const page = await context.newPage();
  const loud = [];
  page.on('console', (message) => loud.push(message.text()));
  page.on('pageerror', (error) => loud.push(error.message));
  return { page, loud };
}

/** Asks for mail as often as is free. */
async function many({ demo }) {
  const form = await (await fetch(`${demo.base}/subscribe`)).text();
  const ticket = form.match(/name="token" value="([^"]+)"/)[1];
  for (let asked = 0; asked < FREE;) {
    const body = new URLSearchParams({ token: ticket, nonce: '', website: '', address: `many${asked}@example.org` });
    const text = await (await fetch(`${demo.base}/subscribe`, { method: 'POST', body })).text();
    // A form that comes sooner than a person's is asked to come again.
    if (text.includes(DONE)) asked += 1;
    else await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function isPutOff(way) {
  const { page } = way.plain;
  await page.goto(`${way.demo.base}/subscribe`);
  await page.getByLabel('Email address').fill('waits@example.org');
  way.opened = Date.now();
  await until(async () => {
    await subscribe(page);
    return says(page, MANY);
  }, 'it is said why');
  await subscribe(page);
  must(await says(page, MANY), 'pressing again at once changes nothing');
}

/** Asks at `path`, is told to press again, and lets the script work. */
async function works({ demo, scripted: { page, loud } }, path, button) {
  await page.goto(demo.base + path);
  await page.getByLabel('Email address').fill('works@example.org');
  const press = () => page.getByRole('button', { name: button, exact: true }).click();
  await until(async () => {
    await press();
    return says(page, MANY);
  }, 'it is said why');
  const began = Date.now();
  await press();
  await page.getByRole('heading', { name: DONE }).waitFor({ timeout: PATIENCE_MS });
  must(loud.length === 0, `the console is silent, and said ${loud.join('; ')}`);
  return `${((Date.now() - began) / 1000).toFixed(1)} s`;
}

/** What was worked for one address opens nothing for another. */
async function isForOneAddress({ demo, scripted: { page } }) {
  await page.goto(`${demo.base}/subscribe`);
  await page.getByLabel('Email address').fill('one@example.org');
  await until(async () => {
    await subscribe(page);
    return says(page, MANY);
  }, 'it is said why');
  const sent = page.waitForRequest((request) => request.method() === 'POST');
  await subscribe(page);
  const form = new URLSearchParams((await sent).postData());
  must(form.get('nonce') !== '', 'there is something worked for');
  form.set('address', 'other@example.org');
  const text = await (await fetch(`${demo.base}/subscribe`, { method: 'POST', body: form })).text();
  must(text.includes(MANY), 'it is not taken');
}

async function hasWaited({ opened, plain: { page } }) {
  await until(async () => {
    await subscribe(page);
    return says(page, DONE);
  }, 'it goes through', 4_000);
  return `${Math.round((Date.now() - opened) / 1000)} s`;
}

function subscribe(page) {
  return page.getByRole('button', { name: 'Subscribe', exact: true }).click();
}

async function says(page, words) {
  return (await page.textContent('main')).includes(words);
}

function must(holds, what) {
  if (!holds) throw new Error(`not so: ${what}`);
}

async function until(holds, what, pause = 200) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`in vain waited for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
