// The real program, with its sample months and readers, for as long as it is looked at.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PATIENCE_MS = 120_000;

/** Starts the demo on a free port, gives it to `use`, and ends it whatever happens. */
export async function withDemo(program, use) {
  const folder = mkdtempSync(join(tmpdir(), 'bulletin-pages-'));
  const child = spawn(program, ['demo', '--port', '0', '--dir', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const { base, desk } = await addresses(child);
    return await use({ base, desk, folder, program, mails: new Mails(base) });
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.kill('SIGTERM')) await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The mails that the demo has caught, as its own pages show them. */
export class Mails {
  #texts = [];
  #counting = null;

  constructor(base) {
    this.base = base;
  }

  /** How many there are by now. Whoever asks meanwhile waits for the same answer: no mail is taken for two. */
  count() {
    this.#counting ??= this.#read().finally(() => { this.#counting = null; });
    return this.#counting;
  }

  async #read() {
    for (;;) {
      const answer = await fetch(`${this.base}/demo/mails/${this.#texts.length}`);
      if (!answer.ok) return this.#texts.length;
      this.#texts.push(await answer.text());
    }
  }

  /**
   * The newest mail to `reader`, from number `since`, that has a link with `part` in it: its number, and the path of the
   * link. Waits until it comes.
   */
  async linkTo(reader, part, since = 0) {
    const end = Date.now() + PATIENCE_MS;
    while (Date.now() < end) {
      for (let number = await this.count() - 1; number >= since; number -= 1) {
        const text = this.#texts[number];
        const path = recipient(text) === reader && text.match(link(part))?.[0];
        if (path) return { number, path };
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`in vain waited for a mail with ${part}`);
  }

  /** The readers whose mails are in `language` and have a link with `part` in it, in the order of their addresses. */
  async readers(language, part) {
    await this.count();
    const fitting = this.#texts.filter((text) => text.includes(`&lt;html lang=3D&quot;${language}&quot;`) && link(part).test(text));
    return [...new Set(fitting.map(recipient))].sort();
  }
}

function link(part) {
  return new RegExp(`${part}[A-Za-z0-9_-]{20,}`);
}

function recipient(text) {
  return text.match(/<p>To ([^<,\s]+),/)?.[1];
}

/** Where the site is, and the path by which an editor sets a password, as the demo prints them once it serves. */
function addresses(child) {
  return new Promise((resolve, reject) => {
    let said = '';
    const late = setTimeout(() => reject(new Error(`the demo does not serve; it said: ${said}`)), PATIENCE_MS);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the demo ended with ${code}; it said: ${said}`)));
    child.stdout.on('data', (piece) => {
      said += piece;
      const found = said.match(/(http:\/\/[\d.]+:\d+)(\/desk\/set\/\S+)\s/);
      if (found) {
        clearTimeout(late);
        resolve({ base: found[1], desk: found[2] });
      }
    });
  });
}
