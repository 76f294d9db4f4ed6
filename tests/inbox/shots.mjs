#!/usr/bin/env node
// Takes pictures of every mail of a folder, for a person to look at.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MODES, look, newView, show, withChromium } from './checks/chromium.mjs';
import { mailsIn } from './mails.mjs';

/** A phone, and a client's reading pane. */
const WIDTHS = [375, 800];

const [folder, out, ...rest] = process.argv.slice(2);
if (!folder || !out || rest.length > 0) {
  console.error('usage: shots.mjs DIR OUT');
  process.exit(2);
}
mkdirSync(out, { recursive: true });
const mails = mailsIn(folder).filter(({ html }) => html !== null);
await withChromium(async (browser) => {
  const view = await newView(browser);
  for (const mail of mails) await pictures(view, mail);
});
console.log(`${mails.length * WIDTHS.length * MODES.length} pictures in ${out}`);

async function pictures(view, mail) {
  await show(view, mail);
  for (const width of WIDTHS) {
    for (const mode of MODES) {
      await look(view, width, mode);
      await view.page.screenshot({ path: join(out, `${mail.name}-${width}-${mode}.png`), fullPage: true });
    }
  }
}
