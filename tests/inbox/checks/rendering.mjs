// E11 and A8: the mail as a browser lays it out.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { GENERIC } from './links.mjs';
import { MODES, look, show } from './chromium.mjs';
import { ownFaults, tooWide } from './inpage.mjs';

const WIDTHS = [320, 360, 700];
const AXE_WIDTHS = [320, 700];
const AXE_MODES = ['light', 'dark'];

/** A mail is part of the client's page, so it has no landmarks and nothing to skip. */
const PAGE_RULES = ['region', 'landmark-one-main', 'bypass'];

/** The small form of axe, whose full form takes a browser twice as long to read. */
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** E11 and A8 of one mail, in a view that may have shown others: `{ E11: [...], A8: [...] }`. */
export async function rendering(view, mail) {
  await show(view, mail);
  return { E11: await overflows(view), A8: await accessibility(view) };
}

async function overflows(view) {
  const seen = new Map();
  for (const width of WIDTHS) {
    for (const mode of MODES) {
      await look(view, width, mode);
      gather(seen, await view.page.evaluate(tooWide), `${width} px ${mode}`);
    }
  }
  return withPlaces(seen);
}

async function accessibility(view) {
  const seen = new Map();
  if (!(await view.page.evaluate(() => 'axe' in window))) await view.page.evaluate(AXE);
  for (const width of AXE_WIDTHS) {
    for (const mode of AXE_MODES) {
      await look(view, width, mode);
      const place = `${width} px ${mode}`;
      gather(seen, await view.page.evaluate(violations, PAGE_RULES), place);
      gather(seen, await view.page.evaluate(ownFaults, GENERIC), place);
    }
  }
  return withPlaces(seen);
}

/** Runs inside the page. */
async function violations(off) {
  const rules = Object.fromEntries(off.map((rule) => [rule, { enabled: false }]));
  const found = await window.axe.run(document, { rules, resultTypes: ['violations'] });
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target }) => `${help} [${id}] at ${target.join(' ')}`));
}

function gather(seen, findings, place) {
  for (const finding of findings) {
    if (!seen.has(finding)) seen.set(finding, []);
    seen.get(finding).push(place);
  }
}

function withPlaces(seen) {
  return [...seen].map(([finding, places]) => `${finding} (${places.join(', ')})`);
}
