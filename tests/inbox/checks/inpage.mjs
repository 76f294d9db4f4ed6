// Functions that run inside the page. Each is sent there alone, as text: it sees its argument and
// the page, and nothing of this file.

/** What makes the page wider than the window, named by the innermost elements that stick out. */
export function tooWide() {
  const over = document.documentElement.scrollWidth - window.innerWidth;
  if (over <= 0) return [];
  const sticksOut = (element) => element.getBoundingClientRect().right > window.innerWidth + 0.5;
  const culprits = [...document.body.querySelectorAll('*')]
    .filter((element) => sticksOut(element) && ![...element.children].some(sticksOut))
    .map((element) => `${element.localName} '${element.textContent.trim().slice(0, 30)}'`);
  return [`${over} px too wide by ${culprits.slice(0, 3).join(', ') || 'an unseen element'}`];
}

/** What axe does not ask of a page but a mail needs, because clients cut it out of its page. */
export function ownFaults(generic) {
  const SMALLEST_TEXT = 14;
  const faults = [];
  const fault = (what, element) => {
    const words = (element.textContent || element.alt || '').trim().replace(/\s+/g, ' ').slice(0, 30);
    faults.push(`${what} at ${element.localName}${words ? ` '${words}'` : ''}`);
  };
  const all = (selector) => [...document.querySelectorAll(selector)];
  const isShown = (element) => element.checkVisibility();

  const wrappers = [...document.body.children].filter((child) => isShown(child) && child.textContent.trim());
  for (const element of [document.documentElement, ...wrappers]) {
    if (!element.lang) fault('no lang', element);
    if (!element.dir) fault('no dir', element);
  }
  for (const table of all('table')) if (!table.getAttribute('role')) fault('no role', table);
  for (const image of all('img')) {
    if (!image.hasAttribute('alt')) fault('no alt', image);
    if (!image.hasAttribute('width')) fault('no width', image);
  }
  for (const link of all('a[href]').filter((link) => link.textContent.trim())) {
    const underlined = [link, ...link.querySelectorAll('*')]
      .some((element) => getComputedStyle(element).textDecorationLine.includes('underline'));
    if (!underlined) fault('link without underline', link);
    const words = link.textContent.toLowerCase().replace(/[^\p{L}\p{N}\s]+/gu, '').replace(/\s+/g, ' ').trim();
    if (generic.includes(words)) fault('generic link text', link);
  }
  const headings = all('h1').filter(isShown).length;
  if (headings !== 1) faults.push(`${headings} h1 headings instead of one`);

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const small = new Set();
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (!texts.currentNode.data.trim() || !isShown(element) || size >= SMALLEST_TEXT) continue;
    if (!small.has(element)) fault(`text of ${size} px`, element);
    small.add(element);
  }
  return faults;
}
