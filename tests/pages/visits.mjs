// The visits of paths.json: which pages, whose, and what is done there between one look and the next.

import { readFileSync } from 'node:fs';

const PLACES = JSON.parse(readFileSync(new URL('paths.json', import.meta.url), 'utf8'));
const LANGUAGES = ['en', 'fr'];

/** Every visit in either language: `{ path, name, language, status, then, personal, reader }`. */
export async function visits(demo) {
  const list = [];
  for (const { path, link, end = '', reader, is, status = [200], then = [] } of PLACES) {
    for (const language of LANGUAGES) {
      const visit = { language, status, then };
      if (link) {
        const whose = (await demo.mails.readers(language, link))[reader];
        const { path: own } = await demo.mails.linkTo(whose, link);
        list.push({ ...visit, path: own + end, name: `${link}… ${language}: ${is}`, personal: true, reader: whose });
      } else {
        const there = language === 'en' ? path : path === '/' ? '/fr' : `/fr${path}`;
        list.push({ ...visit, path: there, name: there, personal: false });
      }
    }
  }
  return list;
}

/**
 * Opens the visit's page and does what it says; `look(name, answer)` is called at every stop. A step is one of
 *   ["look", what, selector?]      with what `selector` matches pressed before, which leads nowhere else
 *   ["fill", selector, text]       {language} in the text is the visit's
 *   ["tick", selector]             all that are matched
 *   ["press", selector]            leads to another page
 *   ["follow", part, reader?]      the newest link of a mail to this visit's reader, or to another
 *   ["again"]                      the visit's last link, opened once more
 */
export async function visit(demo, view, { path, name, then, language, reader }, look) {
  let last = path;
  let answer = await view.goto(demo.base + path);
  await look(name, answer);
  const own = (text) => text.replace('{language}', language);
  const steps = {
    look: async (what, selector) => {
      for (const one of selector ? await view.locator(selector).all() : []) await one.click();
      await look(`${name}: ${what}`, answer);
    },
    fill: (selector, text) => view.fill(selector, own(text)),
    tick: async (selector) => {
      for (const box of await view.locator(selector).all()) await box.check();
    },
    press: async (selector) => {
      // Browsers would say themselves that an address is none.
      await view.evaluate(() => { for (const form of document.forms) form.noValidate = true; });
      answer = await leads(view, () => view.locator(selector).first().click());
    },
    follow: async (part, other) => {
      last = (await demo.mails.linkTo(other ? own(other) : reader, part)).path;
      answer = await view.goto(demo.base + last);
    },
    again: async () => {
      answer = await view.goto(demo.base + last);
    },
  };
  for (const [verb, ...words] of then) await steps[verb](...words);
}

/** The answer to what `act` leads to. */
async function leads(view, act) {
  const isPage = (response) => response.request().isNavigationRequest() && response.frame() === view.mainFrame();
  const [answer] = await Promise.all([view.waitForResponse(isPage), act()]);
  await view.waitForLoadState('load');
  return answer;
}
