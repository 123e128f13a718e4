// Everything that the link's page asks the coordinator for, at one instant, so that all its pictures agree.
import { readDetours, readFindings, readHistogram, readProfile, readRun, readSeries, type Detour, type Finding, type Histogram, type HourOfWeek, type Run, type Series } from "../model/link_data";
import { readLink, type LinkAnswer } from "../model/link_model";
import type { Link } from "../model/types";
import { duration_ms, type View } from "../model/view_state";
import { getDetours, getLink, getOfLink, getResults } from "../net/api";

export type Both<What> = readonly [there: What, back: What];

const turned = (link: Link): Link => ({ from: link.to, to: link.from });

/** What the other direction cannot give (no agent there) is empty, not an error. */
async function both<What>(link: Link, what: string, query: Record<string, string | null>, read: (answer: unknown) => What): Promise<Both<What>> {
  const ask = (one: Link): Promise<What> => getOfLink(one, what, query).then(read, () => read(null));
  return Promise.all([ask(link), ask(turned(link))]);
}

/** Columns of the distribution over time. */
const distribution_steps = 120;

/** "Now" is a little ago: the coordinator refuses the future, and clocks differ. */
export function instantOf(view: View, now_ms: number): string {
  return view.at ?? new Date(now_ms - 1000).toISOString();
}

export function loadLink(link: Link, view: View, at: string): Promise<LinkAnswer> {
  return getLink(link, { window: view.window, at: view.at === null ? null : at }).then((answer) => readLink(answer, link));
}

export function loadFindings(link: Link): Promise<Both<Finding[]>> {
  return both(link, "explain", {}, readFindings);
}

export function loadSeries(link: Link, metric: string, view: View, at: string): Promise<Both<Series>> {
  return both(link, "series", { metric, window: view.back, at }, readSeries);
}

export function loadHistogram(link: Link, metric: string, view: View, at: string): Promise<Both<Histogram>> {
  const step_s = Math.max(1, Math.ceil(duration_ms(view.back) / 1000 / distribution_steps));
  return both(link, "histogram", { metric, window: view.back, step: `${step_s}s`, at }, readHistogram);
}

export async function loadProfile(link: Link, metric: string, at: string): Promise<HourOfWeek[]> {
  return readProfile(await getOfLink(link, "profile", { metric, at }).catch(() => null));
}

export async function loadDetours(link: Link, view: View): Promise<Detour[]> {
  const all = readDetours(await getDetours({ at: view.at }).catch(() => null));
  return all.filter((one) => (one.from === link.from && one.to === link.to) || (one.from === link.to && one.to === link.from));
}

const most_outcomes_ms = 6 * 3600_000;

/** Runs of both directions that finished in the time looked back on, at most the last hours of it. */
export async function loadRuns(link: Link, view: View, at: string): Promise<{ runs: Both<Run[]>; since_ms: number; until_ms: number }> {
  const until_ms = Date.parse(at) + 1;
  const since_ms = until_ms - Math.min(duration_ms(view.back), most_outcomes_ms);
  const query = { since: new Date(since_ms).toISOString(), until: new Date(until_ms).toISOString() };
  const ask = (one: Link): Promise<Run[]> =>
    getResults({ ...query, from: one.from, to: one.to }).then((items) => items.map(readRun), () => []);
  return { runs: await Promise.all([ask(link), ask(turned(link))]), since_ms, until_ms };
}
