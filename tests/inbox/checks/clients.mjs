// E1 and E2: will mail clients show it as it was meant?

import { readFileSync } from 'node:fs';
import { createSession } from '@emailens/engine';
import { caniemail, rawData } from 'caniemail';

/** More than this many excuses and the list has become the rule. */
const MOST_ACCEPTED = 6;

/** The families whose support is published nearly in full; the rest lack hundreds of features. */
const FAMILIES = /^(aol|apple-mail|fastmail|gmail|outlook|protonmail|samsung-email|yahoo)\.|^thunderbird\.macos$/;

const CLIENTS = knownClients();

/** The excuses that a mail has needed so far. */
const excused = new Set();

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
  for (const [client, issues] of caniemail({ clients: CLIENTS, html }).issues.errors) {
    for (const { title, position } of issues) {
      if (!lacking.has(title)) lacking.set(title, { line: position?.start?.line, clients: new Set() });
      lacking.get(title).clients.add(client);
    }
  }
  for (const title of lacking.keys()) if (accepted.has(title)) excused.add(title);
  return [...lacking].filter(([title]) => !accepted.has(title)).map(([title, { line, clients }]) =>
    `${title}${line ? ` (line ${line})` : ''} is unknown to ${[...clients].join(', ')}`);
}

/** Excuses that no mail checked so far has needed: such an entry hides the next real fault. */
export function unusedExcuses() {
  return acceptList().map(({ feature }) => feature).filter((feature) => !excused.has(feature));
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

/**
 * The clients to ask about. Where nothing is published on a feature in one of them, `u` is written
 * into the loaded list, which reads as 'not known to fail': the library would throw, and the
 * client's whole verdict with it.
 */
function knownClients() {
  const stats = rawData.data.map((feature) => feature.stats);
  const names = stats.flatMap((families) => Object.entries(families).flatMap(([family, platforms]) =>
    Object.keys(platforms).map((platform) => `${family}.${platform}`)));
  const chosen = [...new Set(names)].filter((name) => FAMILIES.test(name)).sort();
  for (const [family, platform] of chosen.map((name) => name.split('.'))) {
    for (const families of stats) ((families[family] ??= {})[platform] ??= { 0: 'u' });
  }
  return chosen;
}
