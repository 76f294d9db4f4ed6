// E8: does every link lead somewhere, safely, and say where?

import { links } from './document.mjs';

/** Words that name no target, as a screen reader's list of links would show them. */
export const GENERIC = [
  'click', 'click here', 'continue', 'continue reading', 'details', 'download', 'go', 'here',
  'learn more', 'link', 'more', 'more info', 'read', 'read more', 'see more', 'this', 'this link',
  'view', 'view more', 'ici', 'cliquez ici', 'en savoir plus', 'lien', 'ce lien', 'lire', 'lire la suite',
  'lire plus', 'plus', 'plus de détails', 'suite', 'voir', 'voir plus',
];

const SCHEMES = new Set(['https:', 'mailto:', 'tel:']);

/** A service on the developer's own machine has no certificate. */
const OWN_MACHINE = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** E8: links that are empty, unsafe, broken or nameless. */
export function badLinks({ html }) {
  return links(html).flatMap(({ target, words, line }) =>
    [targetFault(target, html), wordsFault(words)]
      .filter((fault) => fault !== null)
      .map((fault) => `line ${line}: ${fault}`));
}

function targetFault(target, html) {
  if (target === undefined) return 'a link without href';
  if (target.trim() === '' || target.trim() === '#') return `a link to nowhere, href='${target}'`;
  if (target.startsWith('#')) return anchorFault(target.slice(1), html);
  if (!URL.canParse(target)) return `'${target}' is not a whole address`;
  const { protocol, hostname } = new URL(target);
  if (protocol === 'http:' && OWN_MACHINE.has(hostname)) return null;
  return SCHEMES.has(protocol) ? null : `'${target}' uses ${protocol}`;
}

function anchorFault(id, html) {
  return html.includes(`id="${id}"`) ? null : `'#${id}' names nothing in this mail`;
}

function wordsFault(words) {
  if (words === '') return 'a link without words';
  const plain = words.toLowerCase().replace(/[^\p{L}\p{N} ]+/gu, '').trim();
  return GENERIC.includes(plain) ? `'${words}' does not say where the link leads` : null;
}
