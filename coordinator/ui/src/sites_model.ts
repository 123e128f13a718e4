// GET /api/v1/sites as the page needs it (docs/api.md). A field that is missing is shown as unknown.

export type Health = "ok" | "silent" | "never" | "no_agent";

export interface Site {
  name: string;
  health: Health;
  /** Milliseconds since 1970 by the coordinator's clock. */
  lastHeard_ms: number | null;
  version: string;
  clockOffset_s: number | null;
  clockError_s: number | null;
  spooled: number | null;
  results: number | null;
}

export interface SitesAnswer {
  at_ms: number;
  sites: Site[];
}

type Fields = Record<string, unknown>;

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function timeOf(value: unknown): number | null {
  const time = Date.parse(textOf(value));
  return Number.isNaN(time) ? null : time;
}

function siteOf(value: unknown): Site {
  const fields = fieldsOf(value);
  const state = textOf(fields.state);
  return {
    name: textOf(fields.name),
    health: state === "ok" || state === "silent" || state === "no_agent" ? state : "never",
    lastHeard_ms: timeOf(fields.last_heard),
    version: textOf(fields.version),
    clockOffset_s: numberOf(fields.clock_offset_s),
    clockError_s: numberOf(fields.clock_error_s),
    spooled: numberOf(fields.spooled),
    results: numberOf(fields.results),
  };
}

export function readSites(answer: unknown): SitesAnswer {
  const fields = fieldsOf(answer);
  const list = Array.isArray(fields.sites) ? fields.sites : [];
  return { at_ms: timeOf(fields.at) ?? Date.now(), sites: list.map(siteOf) };
}
