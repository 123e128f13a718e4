// What a state is called, and what it means to the person who looks at it.
import type { Cell, CellState } from "./types";

interface StateText {
  /** On the cell; empty where the value speaks for itself. */
  short: string;
  label: string;
  meaning: string;
}

export const stateTexts: Record<CellState, StateText> = {
  ok: { short: "", label: "ok", meaning: "measured, and within its rules" },
  degraded: { short: "degraded", label: "degraded", meaning: "measured, and a rule on it is raised" },
  unsynced: { short: "unsynced", label: "unsynced",
    meaning: "the clocks of the two sites are not known well enough for a one-way time" },
  stale: { short: "stale", label: "stale", meaning: "the newest result is older than it should be" },
  down: { short: "down", label: "down", meaning: "the last two tried runs brought no value" },
  agent_silent: { short: "silent", label: "agent silent", meaning: "the from-site's agent was not heard for 15 s" },
  paused: { short: "paused", label: "paused", meaning: "measuring is paused" },
  never: { short: "never", label: "never measured", meaning: "no result has come yet" },
  none: { short: "", label: "no probe", meaning: "the policy has no such probe on this link" },
};

/** In the order of the numbers under which Grid keeps them; the first two are judged by their value. */
export const stateNames: readonly CellState[] =
  ["ok", "degraded", "unsynced", "stale", "down", "agent_silent", "paused", "never", "none"];

/** States in which a value, where there is one, is of the present and may be judged by its colour. */
export function isCurrent(state: CellState): boolean {
  return state === "ok" || state === "degraded";
}

export function isKnownState(state: string): state is CellState {
  return Object.prototype.hasOwnProperty.call(stateTexts, state);
}

export function describe(cell: Cell): string {
  const few = cell.few === true && cell.value !== null ? ", few samples" : "";
  return stateTexts[cell.state].label + few;
}
