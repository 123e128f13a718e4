// What is known of the cell under the pointer or the cursor.
import { facts } from "./describe_cell";
import { element, px } from "./dom";
import { stateTexts } from "./states";
import type { Cell } from "./types";
import type { View } from "./view_state";

const margin = 10;

export class Tooltip {
  constructor(private readonly box_: HTMLElement) {}

  show(cell: Cell, age: number | null, view: View, near: DOMRect): void {
    const list = element("dl");
    for (const [name, value] of facts(cell, age, view)) list.append(element("dt", {}, name), element("dd", {}, value));
    const parts: Node[] = [
      element("strong", {}, `${cell.from} → ${cell.to}`),
      element("span", { class: "what" }, view.metric.label),
      list,
    ];
    if (cell.state !== "ok") parts.push(element("p", {}, stateTexts[cell.state].meaning));
    this.box_.replaceChildren(...parts);
    this.box_.hidden = false;
    this.place(near);
  }

  hide(): void {
    this.box_.hidden = true;
  }

  private place(near: DOMRect): void {
    const { offsetWidth: width, offsetHeight: height } = this.box_;
    const right = near.right + margin + width < window.innerWidth;
    const x = right ? near.right + margin : Math.max(margin, near.left - margin - width);
    const y = Math.min(Math.max(margin, near.top), Math.max(margin, window.innerHeight - height - margin));
    this.box_.style.left = px(x);
    this.box_.style.top = px(y);
  }
}
