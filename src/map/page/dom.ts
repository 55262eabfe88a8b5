// Makes elements. Text becomes text nodes and never HTML, whatever it says.

export type Child = Node | string | undefined | false;
export type Attributes = Readonly<Record<string, string | number | undefined>>;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function fill<T extends Element>(element: T, attributes: Attributes, children: readonly Child[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== undefined && child !== false) element.append(child);
  return element;
}

export function button(text: string, attributes: Attributes, onClick: () => void): HTMLButtonElement {
  const made = el('button', { type: 'button', ...attributes }, text);
  made.addEventListener('click', onClick);
  return made;
}

export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

interface Kept<E> {
  readonly version: unknown;
  readonly element: E;
}

/**
 * Keeps the children of `parent` equal to `items`, and the element of each item whose version has not changed: so the focus and the
 * position of the list stay, and an update costs no more than what it changes.
 */
export function keyedList<T, E extends Element>(
  parent: Element,
  { key, version, make }: { key: (item: T) => string; version: (item: T) => unknown; make: (item: T) => E },
): (items: readonly T[]) => void {
  let kept = new Map<string, Kept<E>>();
  return (items) => {
    const next = new Map<string, Kept<E>>();
    for (const item of items) {
      const before = kept.get(key(item));
      const now = version(item);
      next.set(
        key(item),
        before && before.version === now ? before : { version: now, element: replacing(before, make(item)) },
      );
    }
    kept = next;
    let at = parent.firstChild;
    for (const { element } of next.values()) {
      if (element === at) at = at.nextSibling;
      else parent.insertBefore(element, at);
    }
    while (at) {
      const after: ChildNode | null = at.nextSibling;
      at.remove();
      at = after;
    }
  };
}

/** A new element for the same item gets the focus of the old one. */
function replacing<E extends Element>(before: Kept<E> | undefined, element: E): E {
  const focused = document.activeElement;
  if (before && focused && before.element.contains(focused)) {
    const selector = 'button, select, input, a';
    const index = [...before.element.querySelectorAll(selector)].indexOf(focused);
    queueMicrotask(() => element.querySelectorAll<HTMLElement>(selector)[Math.max(0, index)]?.focus());
  }
  return element;
}
