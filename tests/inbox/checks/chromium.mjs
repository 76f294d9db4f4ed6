// One Chromium, and the ways in which readers see a mail in it.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

/** The names that Debian and others give the same browser. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** A mail is looked at offline, in a profile of its own, and as root too: hence no sandbox. */
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage',
];

/** Light, dark because the reader asked for it, and light turned dark by the client. */
export const MODES = ['light', 'dark', 'forced-dark'];

/** Opens the browser, gives it to `use`, and closes it whatever happens. */
export async function withChromium(use) {
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: FLAGS });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

/** A page for one mail after another; opening a page takes longer than showing a mail in it. */
export async function newView(browser) {
  const page = await browser.newPage();
  await page.route('**/*', (route) => route.abort());
  const devtools = await page.context().newCDPSession(page);
  return { page, devtools };
}

/** Shows a mail and fetches nothing for it, as a client with images off would. */
export async function show({ page }, { html }) {
  await page.setContent(html, { waitUntil: 'domcontentloaded' });
}

/** Turns a page to a width and a mode. */
export async function look({ page, devtools }, width, mode) {
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: mode === 'dark' ? 'dark' : 'light' });
  await devtools.send('Emulation.setAutoDarkModeOverride', mode === 'forced-dark' ? { enabled: true } : {});
}

function chromiumPath() {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of NAMES) {
      if (isProgram(join(folder, name))) return join(folder, name);
    }
  }
  throw new Error('no Chromium in PATH; on Debian: apt-get install chromium');
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
