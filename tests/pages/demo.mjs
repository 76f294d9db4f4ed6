// The real program, with its sample months and readers, for as long as it is looked at.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How many caught mails are looked through for a link. */
const MAILS = 20;

const PATIENCE_MS = 120_000;

/** Starts the demo on a free port, gives it to `use`, and ends it whatever happens. */
export async function withDemo(program, use) {
  const folder = mkdtempSync(join(tmpdir(), 'bulletin-pages-'));
  const child = spawn(program, ['demo', '--port', '0', '--dir', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const base = await address(child);
    return await use({ base, folder, program, linkInMail: (part) => linkInMail(base, part) });
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.kill('SIGTERM')) await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where the site is, as the demo prints it once it serves. */
function address(child) {
  return new Promise((resolve, reject) => {
    let said = '';
    const late = setTimeout(() => reject(new Error(`the demo does not serve; it said: ${said}`)), PATIENCE_MS);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the demo ended with ${code}; it said: ${said}`)));
    child.stdout.on('data', (piece) => {
      said += piece;
      const found = said.match(/(http:\/\/[\d.]+:\d+)\/issues\s/);
      if (found) {
        clearTimeout(late);
        resolve(found[1]);
      }
    });
  });
}

/** The path of the first link with `part` in it, in a mail that was caught. */
async function linkInMail(base, part) {
  for (let number = 0; number < MAILS; number += 1) {
    const answer = await fetch(`${base}/demo/mails/${number}`);
    const found = (await answer.text()).match(new RegExp(`${part}[A-Za-z0-9_-]{20,}`));
    if (found) return found[0];
  }
  throw new Error(`no caught mail has a link with ${part}`);
}
