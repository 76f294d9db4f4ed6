// A6: what the Nu checker refuses.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nuErrors as ofFiles } from '../inbox/checks/markup.mjs';

/** By the name of the page. Java starts once for all. */
export async function nuErrors(pages) {
  const folder = mkdtempSync(join(tmpdir(), 'bulletin-nu-'));
  try {
    const files = pages.map(({ name, source }, number) => {
      const file = join(folder, `${number}.html`);
      writeFileSync(file, source);
      return { name, file };
    });
    return await ofFiles(files);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
