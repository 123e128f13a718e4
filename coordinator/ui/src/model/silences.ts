// GET /api/v1/silences as the page needs it, and what a silence of an incident's place says (docs/api.md).
import { fieldsOf, listOf, textOf, timeOf } from "./fields";
import type { Incident } from "./incidents";

export interface Silence {
  id: string;
  /** Of a maintenance window, which the configuration ends; else empty. */
  window: string;
  state: string;
  means: string;
  author: string;
  reason: string;
  starts_ms: number | null;
  ends_ms: number | null;
}

export type Matchers = Record<string, string | string[]>;

function wordsOf(matchers: unknown): string {
  return Object.entries(fieldsOf(matchers)).map(([key, values]) => `${key} ${listOf(values).map(textOf).join(" or ")}`).join(", ");
}

function silenceOf(value: unknown): Silence {
  const fields = fieldsOf(value);
  return {
    id: textOf(fields.id), window: textOf(fields.name), state: textOf(fields.state), means: wordsOf(fields.matchers),
    author: textOf(fields.author), reason: textOf(fields.reason), starts_ms: timeOf(fields.starts_at), ends_ms: timeOf(fields.ends_at),
  };
}

/** What holds notices now, or will: silences first. */
export function readSilences(answer: unknown): Silence[] {
  const fields = fieldsOf(answer);
  return [...listOf(fields.silences), ...listOf(fields.windows)].map(silenceOf).filter(({ state }) => state === "active" || state === "pending");
}

/** Everything at the place where the incident is, whatever its cause turns out to be; null where it has no place. */
export function matchersOf(incident: Incident): Matchers | null {
  const { site, from, to, uplink, group } = incident.place;
  if (incident.cause === "pair") return { from: [from, to], to: [from, to] };
  if (site !== "") return { site };
  if (from !== "" && to !== "") return { from, to };
  if (uplink !== "") return { uplink };
  if (group !== "") return { group };
  return incident.mesh === "" ? null : { mesh: incident.mesh };
}
