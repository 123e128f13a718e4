// How the mesh is, in one sentence that always stands above it. Pure.
import { count, dayTime } from "./format";
import type { MeshModel } from "./mesh_model";
import { stateTexts } from "./states";
import type { CellState } from "./types";
import type { View } from "./view_state";

const told: readonly CellState[] = ["ok", "degraded", "down", "stale", "agent_silent", "unsynced", "paused", "never"];

function incidentWords(model: MeshModel): string {
  const open = model.incidents.filter((incident) => incident.open);
  if (open.length === 0) return "No incident is open.";
  return open.length === 1 ? `Open incident: ${open[0]!.summary}.` : `${count(open.length)} incidents are open, the newest: ${open[0]!.summary}.`;
}

/** "Round trip (p50, 1h) of 870 links: 827 ok, 3 degraded, 40 agent silent. Open incident: ..."; empty: there are no links. */
export function headlineFor(model: MeshModel, view: View): string {
  if (model.grid.n < 2) return "";
  const counts = model.grid.stateCounts();
  const parts = told.map((state) => [counts.get(state) ?? 0, stateTexts[state].label] as const).filter(([n]) => n > 0);
  const links = parts.reduce((sum, [n]) => sum + n, 0);
  const when = model.past ? `, ${dayTime(Date.parse(model.grid.at))}` : "";
  const what = `${view.metric.label} (${view.stat}, ${view.window}${when})`;
  if (links === 0) return `${view.metric.label}: the policy has no such probe.`;
  const states = parts.length === 1 ? `all ${parts[0]![1]}` : parts.map(([n, label]) => `${count(n)} ${label}`).join(", ");
  return `${what} of ${count(links)} ${links === 1 ? "link" : "links"}: ${states}.${model.past ? "" : ` ${incidentWords(model)}`}`;
}
