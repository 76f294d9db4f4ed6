// E10: does who reads the text part get the same mail?

import { links, parse, shownText } from './document.mjs';

const SHARE_WANTED = 0.98;

/** RFC 5322 section 2.1.1 asks for lines of at most 78 characters. */
const LINE_MOST = 78;

/** E10: words and links of the HTML that the text part lacks, and lines of it that are too long. */
export function parity({ html, text }) {
  if (text === null) return ['there is no text part'];
  const compared = html === null ? [] : [...lostWords(html, text), ...lostLinks(html, text)];
  return [...compared, ...longLines(text)];
}

/** Each word is asked for once, so that a long mail cannot hide what it lost among repeats. */
function lostWords(html, text) {
  const wanted = words(shownText(parse(html)));
  const given = words(text);
  const lost = [...wanted].filter((word) => !given.has(word));
  const share = wanted.size === 0 ? 1 : 1 - lost.length / wanted.size;
  if (share >= SHARE_WANTED) return [];
  return [`the text part has ${(100 * share).toFixed(1)} % of the words, it lacks ${lost.slice(0, 8).join(', ')}`];
}

function words(source) {
  const plain = source.normalize('NFC').replace(/[\u00AD\u200B-\u200D\u2060]/g, '').toLowerCase();
  return new Set(plain.match(/\p{L}{4,}/gu) ?? []);
}

/** An address to write to may stand in the text without its `mailto:`. */
function lostLinks(html, text) {
  const targets = new Set(links(html).map(({ target }) => target).filter((target) => target && !target.startsWith('#')));
  return [...targets]
    .filter((target) => !text.includes(target) && !text.includes(mailbox(target)))
    .map((target) => `the text part lacks the link ${target}`);
}

function mailbox(target) {
  return target.startsWith('mailto:') ? target.slice('mailto:'.length).split('?')[0] : target;
}

/** A line that is one address alone may be as long as the address. */
function longLines(text) {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const length = [...line].length;
    if (length <= LINE_MOST || isOneLongUrl(line)) return [];
    return [`line ${index + 1} of the text part has ${length} characters`];
  });
}

function isOneLongUrl(line) {
  const alone = line.trim();
  return /^<?[a-z]+:\S+>?$/i.test(alone) && [...alone].length > LINE_MOST;
}
