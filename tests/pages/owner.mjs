// What an owner does at the desk that an editor may not: who else may come in, and which programs.

import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PASSWORD = 'marmot violet seven harbour';

/** What the operator does in a terminal: an owner's account for this demo, and the path by which they set a password. */
export function ownerOf(demo) {
  const settings = join(demo.folder, 'owner.toml');
  writeFileSync(settings, [
    `[database]\nurl = 'sqlite://${join(demo.folder, 'bulletin.db')}'`,
    `[secret]\nkey_file = '${join(demo.folder, 'bulletin.key')}'`,
    `[site]\nurl = '${demo.base}'\nname = 'Practice Research Digest'\n`,
  ].join('\n'));
  const create = ['--config', settings, 'admin', 'create', 'owner@example.org', '--name', 'Olive Owner', '--role', 'owner'];
  const said = execFileSync(demo.program, create, { encoding: 'utf8' });
  const path = said.match(/\/desk\/set\/\S+/)?.[0];
  if (!path) throw new Error(`no link in: ${said}`);
  return path;
}

/** Each step with its name; `view` is the browser's page, and stays where the step ends. */
export const OWNERS_STEPS = [
  ['opens the link and sets a password', opens],
  ['mistypes the code of the phone', mistypes],
  ['gives the code of the phone', gives],
  ['goes on', goesOn],
  ['adds a person', adds],
  ['adds the same person again', addsAgain],
  ['asks for a token that may do nothing', asksForNothing],
  ['makes a token', makesToken],
  ['wants to tell a program in the clear', tellsInTheClear],
  ['tells a program', tells],
];

async function opens({ view, demo, link }) {
  await view.goto(demo.base + link);
  await view.getByLabel('New password').fill(PASSWORD);
  await view.getByLabel('The same once more').fill(PASSWORD);
  await view.getByRole('button', { name: 'Set the password and sign in' }).click();
  await view.getByLabel('Code', { exact: true }).waitFor();
}

async function mistypes({ view }) {
  await enters(view, '123');
  await view.getByRole('alert').waitFor();
}

async function gives({ view }) {
  const key = (await view.locator('main code').first().textContent()).replace(/\s/g, '');
  await enters(view, code(key, Date.now()));
  await view.getByRole('link', { name: 'I have kept them' }).waitFor();
}

async function enters(view, code) {
  await view.getByLabel('Code', { exact: true }).fill(code);
  await view.getByRole('button', { name: 'Set it up' }).click();
}

async function goesOn({ view }) {
  await view.getByRole('link', { name: 'I have kept them' }).click();
  await view.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
}

async function adds({ view, demo }) {
  await view.goto(`${demo.base}/desk/people`);
  await addsVera(view);
  await view.getByText('/desk/set/').waitFor();
}

async function addsAgain({ view, demo }) {
  await view.goto(`${demo.base}/desk/people`);
  await addsVera(view);
  await view.getByRole('alert').waitFor();
}

async function addsVera(view) {
  await view.getByLabel('Name', { exact: true }).fill('Vera Viewer');
  await view.getByLabel('Address', { exact: true }).fill('vera@example.org');
  await view.getByRole('button', { name: 'Add, and make a link for the password' }).click();
}

async function asksForNothing({ view, demo }) {
  await view.goto(`${demo.base}/desk/tokens`);
  await view.getByLabel('Name of the program').fill('Library catalogue');
  await view.getByRole('button', { name: 'Make the token' }).click();
  await view.getByRole('alert').waitFor();
}

async function makesToken({ view }) {
  await view.locator('input[name=scope]').first().check();
  await view.getByRole('button', { name: 'Make the token' }).click();
  await copied(view);
}

async function tellsInTheClear({ view, demo }) {
  await view.goto(`${demo.base}/desk/hooks`);
  await tellsAt(view, 'http://hooks.example.org/bulletin');
  await view.getByRole('alert').waitFor();
}

async function tells({ view, demo }) {
  await view.goto(`${demo.base}/desk/hooks`);
  await tellsAt(view, 'https://hooks.example.org/bulletin');
  await copied(view);
}

/** A secret is shown, this once. */
async function copied(view) {
  await view.getByRole('link', { name: 'I have copied it' }).waitFor();
}

async function tellsAt(view, url) {
  await view.getByLabel('Its address (https)').fill(url);
  await view.locator('input[name=event]').first().check();
  await view.getByRole('button', { name: 'Tell it from now on' }).click();
}

/** The six digits that a phone shows for this key (RFC 6238). */
function code(key, now) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...key].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const bytes = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const steps = Buffer.alloc(8);
  steps.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)));
  const digest = createHmac('sha1', bytes).update(steps).digest();
  const number = digest.readUInt32BE(digest[digest.length - 1] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}
