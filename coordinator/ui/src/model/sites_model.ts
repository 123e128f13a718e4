// GET /api/v1/sites as the page needs it (docs/api.md). A field that is missing is shown as unknown.
import { fieldsOf, listOf, numberOf, textOf, timeOf } from "./fields";
import { inWords } from "./format";

export type Health = "ok" | "silent" | "never" | "no_agent";

export interface Spread {
  p50: number | null;
  p99: number | null;
  max: number | null;
}

/** How well an agent measures. */
export interface Measurer {
  sendLateness: Spread;
  slotLateness: Spread;
  hold: Spread;
  socketDrops: number;
  lostStamps: number;
  dropped: number;
  starved: number;
  pressure: number | null;
  realTime: boolean;
}

export interface Site {
  name: string;
  health: Health;
  /** Milliseconds since 1970 by the coordinator's clock. */
  lastHeard_ms: number | null;
  version: string;
  addresses: string[];
  /** Degrees: latitude, longitude. */
  location: readonly [number, number] | null;
  uplink: string;
  groups: string[];
  clockOffset_s: number | null;
  clockError_s: number | null;
  spooled: number | null;
  results: number | null;
  measurer: Measurer | null;
}

export interface SitesAnswer {
  at_ms: number;
  sites: Site[];
}

function spreadOf(value: unknown): Spread {
  const fields = fieldsOf(value);
  return { p50: numberOf(fields.p50), p99: numberOf(fields.p99), max: numberOf(fields.max) };
}

function measurerOf(value: unknown): Measurer | null {
  if (typeof value !== "object" || value === null) return null;
  const fields = fieldsOf(value);
  return {
    sendLateness: spreadOf(fields.send_lateness_s),
    slotLateness: spreadOf(fields.slot_lateness_s),
    hold: spreadOf(fields.hold_s),
    socketDrops: numberOf(fields.socket_drops) ?? 0,
    lostStamps: numberOf(fields.lost_stamps) ?? 0,
    dropped: numberOf(fields.results_dropped) ?? 0,
    starved: numberOf(fields.results_starved) ?? 0,
    pressure: numberOf(fields.cpu_pressure),
    realTime: fields.real_time !== false,
  };
}

function locationOf(value: unknown): readonly [number, number] | null {
  const [latitude, longitude] = listOf(value).map(numberOf);
  return latitude !== null && latitude !== undefined && longitude !== null && longitude !== undefined ? [latitude, longitude] : null;
}

function siteOf(value: unknown): Site {
  const fields = fieldsOf(value);
  const state = textOf(fields.state);
  return {
    name: textOf(fields.name),
    health: state === "ok" || state === "silent" || state === "no_agent" ? state : "never",
    lastHeard_ms: timeOf(fields.last_heard),
    version: textOf(fields.version),
    addresses: listOf(fields.addresses).map(textOf),
    location: locationOf(fields.location),
    uplink: textOf(fields.uplink),
    groups: listOf(fields.groups).map(textOf).filter((group) => group !== ""),
    clockOffset_s: numberOf(fields.clock_offset_s),
    clockError_s: numberOf(fields.clock_error_s),
    spooled: numberOf(fields.spooled),
    results: numberOf(fields.results),
    measurer: measurerOf(fields.measurer),
  };
}

export function readSites(answer: unknown): SitesAnswer {
  const fields = fieldsOf(answer);
  return { at_ms: timeOf(fields.at) ?? Date.now(), sites: listOf(fields.sites).map(siteOf) };
}

const late_s = 0.005;
const pressure_much = 0.1;
const spool_much = 100;
const clock_wide_s = 0.1;

/** What is wrong at a site whose agent is heard, in words; empty: nothing. */
export function troubles(site: Site): string[] {
  if (site.health !== "ok") return [];
  const found: string[] = [];
  const { measurer } = site;
  if ((site.spooled ?? 0) > spool_much) found.push("results wait in the spool");
  if (site.clockError_s !== null && site.clockError_s > clock_wide_s) found.push(`clock known to ± ${inWords(site.clockError_s, "s")} only`);
  if (!measurer) return found;
  if ((measurer.pressure ?? 0) > pressure_much) found.push(`waits for CPU ${inWords(measurer.pressure, "ratio")} of the time`);
  if ((measurer.sendLateness.p99 ?? 0) > late_s) found.push(`probes leave ${inWords(measurer.sendLateness.p99, "s")} late (p99)`);
  if (!measurer.realTime) found.push("no real-time priority");
  return found;
}
