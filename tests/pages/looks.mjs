// What a browser sees of a page: with axe, at the edges, and by keyboard.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const need = createRequire(new URL('../inbox/package.json', import.meta.url));
const AXE = readFileSync(need.resolve('axe-core/axe.min.js'), 'utf8');

/** A1: what axe finds, WCAG 2.2 AA and best practice, what it cannot judge included. */
export async function accessibility(view) {
  if (!(await view.evaluate(() => 'axe' in window))) await view.evaluate(AXE);
  return view.evaluate(async () => {
    const found = await window.axe.run(document, {
      rules: { 'target-size': { enabled: true } },
      resultTypes: ['violations', 'incomplete'],
    });
    const told = (kind) => ({ id, help, nodes }) => nodes.map(({ target }) => `${kind}${help} [${id}] at ${target.join(' ')}`);
    return [...found.violations.flatMap(told('')), ...found.incomplete.flatMap(told('unsure: '))];
  });
}

/** A2. Runs inside the page. */
export function overflow() {
  const over = document.documentElement.scrollWidth - window.innerWidth;
  return over > 0 ? [`${over} px too wide`] : [];
}

/** A7: Tab from the top to the end. */
export async function walk(view) {
  await view.evaluate(() => {
    window.reached = new Set();
    // From the top, wherever the page's address has led.
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
    window.scrollTo(0, 0);
  });
  const findings = [];
  const most = 20 + await view.evaluate(() => document.querySelectorAll('a, button, input, select, textarea, summary, pre, iframe').length);
  for (let stop = 0; stop < most; stop += 1) {
    await view.keyboard.press('Tab');
    const { ended, fault } = await view.evaluate(standing);
    if (fault) findings.push(fault);
    if (ended) break;
  }
  return [...findings, ...await view.evaluate(unreached)];
}

/** Runs inside the page: what is wrong where the keyboard stands now. */
function standing() {
  const SMALLEST = 24;
  const element = document.activeElement;
  // A field of a date takes the keyboard part by part.
  const isInParts = element?.localName === 'input' && ['date', 'month', 'time', 'datetime-local'].includes(element.type);
  if (isInParts && window.before === element) return {};
  window.before = element;
  if (!element || element === document.body || window.reached.has(element)) return { ended: true };
  window.reached.add(element);
  // What has the focus within a frame shows it there; no style of the page around it can (HTML, ‘the :focus pseudo-class’).
  if (element.localName === 'iframe') return {};
  const name = `${element.localName} '${(element.textContent || element.name || '').trim().slice(0, 30)}'`;
  const style = getComputedStyle(element);
  const outline = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  if (!outline) return { fault: `no visible focus at ${name}` };
  const box = element.getBoundingClientRect();
  const seen = box.right > 0 && box.bottom > 0 && box.left < window.innerWidth && box.top < window.innerHeight;
  if (!seen) return { fault: `focus outside the window at ${name}` };
  const areas = [...element.getClientRects(), ...[...(element.labels ?? [])].map((label) => label.getBoundingClientRect())];
  const fits = areas.some(({ width, height }) => width >= SMALLEST && height >= SMALLEST);
  if (!fits) return { fault: `${Math.round(box.width)} by ${Math.round(box.height)} px at ${name}` };
  return {};
}

/** Runs inside the page: controls that are shown and that the keyboard never came to. */
function unreached() {
  const controls = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
    .filter((element) => !element.disabled);
  const shown = controls.filter((element) => element.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }) && element.tabIndex >= 0);
  // Of radio buttons with one name the keyboard comes to one; the arrows lead to the others.
  const sibling = (element) => element.type === 'radio'
    && [...window.reached].some((other) => other.type === 'radio' && other.name === element.name);
  return shown.filter((element) => !window.reached.has(element) && !sibling(element))
    .map((element) => `not reached: ${element.localName} '${(element.textContent || element.name).trim().slice(0, 30)}'`);
}
