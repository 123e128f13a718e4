// GET /api/v1/sites as the page needs it (docs/api.md). A field that is missing is shown as unknown.
import { fieldsOf, listOf, numberOf, textOf, timeOf } from "./fields";
import { inWords } from "./format";
import type { SiteOrder } from "./view_state";

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
  /** Octets that its probes sent and received in 31 days, and how many they may. */
  traffic: number | null;
  budget: number | null;
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
  const traffic = fieldsOf(fields.probe_traffic);
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
    traffic: numberOf(traffic.bytes),
    budget: numberOf(traffic.budget),
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
  if (site.budget !== null && (site.traffic ?? 0) >= site.budget) found.push("its budget of bytes is reached");
  if ((site.spooled ?? 0) > spool_much) found.push("results wait in the spool");
  if (site.clockError_s !== null && site.clockError_s > clock_wide_s) found.push(`clock known to ± ${inWords(site.clockError_s, "s")} only`);
  if (!measurer) return found;
  if ((measurer.pressure ?? 0) > pressure_much) found.push(`waits for CPU ${inWords(measurer.pressure, "ratio")} of the time`);
  if ((measurer.sendLateness.p99 ?? 0) > late_s) found.push(`probes leave ${inWords(measurer.sendLateness.p99, "s")} late (p99)`);
  if (!measurer.realTime) found.push("no real-time priority");
  return found;
}

const healthRank: Record<Health, number> = { silent: 3, never: 2, ok: 0, no_agent: -1 };

/** How much a site stands out by what is sorted by: the most first; equals stay as configured. */
function prominence(site: Site, order: SiteOrder): number {
  switch (order) {
    case "health": return healthRank[site.health] * 100 + troubles(site).length;
    case "heard": return site.lastHeard_ms === null ? (site.health === "no_agent" ? -Infinity : Infinity) : -site.lastHeard_ms;
    case "clock": return site.clockError_s ?? (site.health === "no_agent" ? -1 : Infinity);
    case "spool": return site.spooled ?? -1;
    case "late": return site.measurer?.sendLateness.p99 ?? -1;
    default: return 0;
  }
}

export function sortedSites(sites: readonly Site[], order: SiteOrder): readonly Site[] {
  if (order === "name") return [...sites].sort((a, b) => byName.compare(a.name, b.name));
  if (order === "given") return sites;
  const rank = new Map(sites.map((site) => [site, prominence(site, order)]));
  const less = (a: number, b: number): number => (a === b ? 0 : a > b ? -1 : 1);
  return [...sites].sort((a, b) => less(rank.get(a)!, rank.get(b)!));
}

const byName = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
