// The mails of a folder, as every check here sees them.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

/**
 * Reads the mails of a folder: whatever has a `NAME.html` or a `NAME.eml` is one. A mail that is
 * text alone has no `html`; other files, such as a public key, are passed over.
 */
export function mailsIn(folder) {
  const files = new Set(readdirSync(folder));
  const names = [...files].filter((file) => /\.(html|eml)$/.test(file)).map(withoutEnding);
  return [...new Set(names)].sort().map((name) => ({
    name,
    file: resolve(folder, `${name}.html`),
    html: read(folder, files, `${name}.html`),
    text: read(folder, files, `${name}.txt`),
  }));
}

function withoutEnding(file) {
  return basename(file).replace(/\.[^.]+$/, '');
}

function read(folder, files, file) {
  return files.has(file) ? readFileSync(join(folder, file), 'utf8') : null;
}
