// Small helpers for DOM nodes. Text goes in as text nodes only: names and errors come from outside.

type Child = Node | string;

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name, attributes: Record<string, string> = {}, ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** One choice of a select. */
export function option(value: string, label: string, selected: boolean, disabled = false): HTMLOptionElement {
  const node = element("option", { value }, label);
  node.selected = selected;
  node.disabled = disabled;
  return node;
}

/** The element that index.html promises. */
export function byId<Type extends HTMLElement>(id: string, type: { new (): Type }): Type {
  const node = document.getElementById(id);
  if (!(node instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return node;
}

/** Touches the document only where the text differs, so that nothing flickers and selections survive. */
export function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Replaces only the children that differ. */
export function showChildren(host: HTMLElement, nodes: HTMLElement[]): void {
  nodes.forEach((node, i) => {
    const old = host.children[i];
    if (!old) host.append(node);
    else if (!old.isEqualNode(node)) old.replaceWith(node);
  });
  while (host.children.length > nodes.length) host.lastElementChild!.remove();
}

export function px(length: number): string {
  return `${Math.round(length)}px`;
}
