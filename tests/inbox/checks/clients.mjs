// E1 and E2: will mail clients show it as it was meant?

import { readFileSync } from 'node:fs';
import { createSession } from '@emailens/engine';
import { caniemail, rawData } from 'caniemail';

/** More than this many excuses and the list has become the rule. */
const MOST_ACCEPTED = 6;

/** The families whose support is published nearly in full; the rest lack hundreds of features. */
const FAMILIES = /^(aol|apple-mail|fastmail|gmail|outlook|protonmail|samsung-email|yahoo)\.|^thunderbird\.macos$/;

/** E1: a score under 100 in any client, with what cost the points. */
export function clientScores({ html }) {
  const session = createSession(html);
  const warnings = session.analyze();
  return Object.entries(session.score(warnings))
    .filter(([, { score }]) => score < 100)
    .map(([client, { score }]) => `${client} ${score}: ${reasons(warnings, client)}`);
}

/** E2: features that some client lacks and that `accept.json` does not excuse. */
export function missingFeatures({ html }) {
  const accepted = new Set(acceptList().map(({ feature }) => feature));
  const lacking = new Map();
  for (const client of clients()) {
    for (const { title, position } of unsupported(client, html)) {
      if (accepted.has(title)) continue;
      if (!lacking.has(title)) lacking.set(title, { line: position?.start?.line, clients: new Set() });
      lacking.get(title).clients.add(client);
    }
  }
  return [...lacking].map(([title, { line, clients }]) =>
    `${title}${line ? ` (line ${line})` : ''} is unknown to ${[...clients].join(', ')}`);
}

/** The excuses of `accept.json`; throws if there are too many or one gives no reason. */
export function acceptList() {
  const list = JSON.parse(readFileSync(new URL('../accept.json', import.meta.url), 'utf8'));
  if (list.length > MOST_ACCEPTED) {
    throw new Error(`accept.json has ${list.length} entries, at most ${MOST_ACCEPTED} may stand there`);
  }
  const bare = list.find(({ feature, reason }) => !feature || !reason);
  if (bare) throw new Error(`accept.json: ${JSON.stringify(bare)} needs a feature and a reason`);
  return list;
}

function reasons(warnings, client) {
  const costly = warnings.filter((one) => one.client === client && one.severity !== 'info');
  const places = costly.map(({ property, line, selector }) =>
    property + (line ? ` (line ${line})` : selector ? ` (${selector})` : ''));
  return [...new Set(places)].join(', ');
}

function clients() {
  const names = new Set();
  for (const { stats } of rawData.data) {
    for (const [family, platforms] of Object.entries(stats)) {
      for (const platform of Object.keys(platforms)) names.add(`${family}.${platform}`);
    }
  }
  return [...names].filter((name) => FAMILIES.test(name)).sort();
}

/**
 * What one client lacks. The library throws at the first feature on which nothing is published for
 * that client; one at a time, such a gap costs that client's verdict and not all of them.
 */
function unsupported(client, html) {
  try {
    return [...caniemail({ clients: [client], html }).issues.errors.values()].flat();
  } catch (error) {
    if (error instanceof RangeError && error.message.includes('not found on')) return [];
    throw error;
  }
}
