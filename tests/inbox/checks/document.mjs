// What a reader gets from the HTML of a mail, read without a browser.

import { DomUtils, parseDocument } from 'htmlparser2';

const BLOCKS = new Set(
  ('address article aside blockquote body br dd div dl dt footer h1 h2 h3 h4 h5 h6 header hr li ' +
    'main nav ol p pre section table tbody td tfoot th thead title tr ul').split(' '),
);
const NOT_SHOWN = new Set(['head', 'script', 'style', 'template', 'title']);

/** The parsed mail; its nodes know where they stand in the source. */
export function parse(html) {
  return parseDocument(html, { withStartIndices: true });
}

/**
 * The words that are on show: no style, no head, and not the preheader, which repeats the mail.
 * The alternative text of an image counts as text.
 */
export function shownText(node) {
  if (node.type === 'text') return node.data;
  if (isHidden(node)) return '';
  if (node.name === 'img') return ` ${node.attribs.alt ?? ''} `;
  const inside = (node.children ?? []).map(shownText).join('');
  return BLOCKS.has(node.name) ? ` ${inside} ` : inside;
}

/** Every `a` element with its target as written, its words, and the line it stands on. */
export function links(html) {
  return DomUtils.getElementsByTagName('a', parse(html), true).map((anchor) => ({
    target: anchor.attribs.href,
    words: shownText(anchor).replace(/\s+/g, ' ').trim(),
    line: lineOf(html, anchor.startIndex),
  }));
}

/** The line, counted from one, on which a place in the source stands. */
export function lineOf(source, index) {
  return source.slice(0, index).split('\n').length;
}

function isHidden(node) {
  if (node.type === 'comment' || NOT_SHOWN.has(node.name)) return true;
  const { style = '', hidden } = node.attribs ?? {};
  return hidden !== undefined || /display\s*:\s*none|mso-hide\s*:\s*all/i.test(style);
}
