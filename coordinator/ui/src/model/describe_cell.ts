// One cell in words, for the tooltip, the table and the reader of the screen.
import { age as ageText, count, inWords } from "./format";
import { describe, stateTexts } from "./states";
import type { Cell } from "./types";
import type { View } from "./view_state";

/** `judgement`: what the colour says, where it is not the value's own. */
export function facts(cell: Cell, age: number | null, view: View, judgement = ""): [string, string][] {
  const unit = view.metric.unit;
  const rows: [string, string][] = [
    [view.stat, inWords(cell.value, unit)],
    ["samples", count(cell.count) + (cell.few === true && cell.count > 0 ? " (few)" : "")],
    ["newest", age === null ? "never" : `${ageText(age)} ago`],
    ["state", stateTexts[cell.state].label],
  ];
  if (cell.error_s !== null && cell.error_s !== undefined) rows.splice(1, 0, ["clock error", `± ${inWords(cell.error_s, "s")}`]);
  if (judgement !== "") rows.push(["compared", judgement]);
  return rows;
}

export function sentence(cell: Cell, age: number | null, view: View, judgement = ""): string {
  const value = cell.value === null ? "no value" : inWords(cell.value, view.metric.unit);
  const newest = age === null ? "" : `, ${ageText(age)} ago`;
  return `${cell.from} to ${cell.to}: ${value}, ${describe(cell)}${newest}${judgement === "" ? "" : `, ${judgement}`}`;
}
