// What the reader has chosen. It lives in the URL's hash, so that every view can be sent as a link.
import { firstStat, metricNamed, statsOf, windows, type Metric } from "./metrics";
import type { Link } from "./types";

export const places = ["matrix", "incidents", "sites", "timetable", "map"] as const;
export type PlaceName = (typeof places)[number];

/** What colours say: absolute bounds; the same hour of the week; light in fibre along the great circle. */
export const colourModes = ["bands", "baseline", "floor"] as const;
export type ColourMode = (typeof colourModes)[number];

/** What a cell shows: its value; both directions in halves; from -> to against the way back; now against another instant. */
export const layers = ["value", "split", "asymmetry", "difference"] as const;
export type Layer = (typeof layers)[number];

export const orders = ["given", "name", "place", "group", "worst", "similar"] as const;
export type Order = (typeof orders)[number];

export const spans = ["6h", "24h", "7d", "28d"] as const;
export type Span = (typeof spans)[number];

/** As configured, or the worst first: by health, silence, clock error, spool, or lateness of probes. */
export const siteOrders = ["given", "name", "health", "heard", "clock", "spool", "late"] as const;
export type SiteOrder = (typeof siteOrders)[number];

/** What `difference` compares with: that long before the instant shown. */
export const thans = ["1h", "24h", "7d"] as const;

export interface View {
  metric: Metric;
  stat: string;
  window: string;
  link: Link | null;
  place: PlaceName;
  colour: ColourMode;
  layer: Layer;
  order: Order;
  /** The whole mesh in sight, however small the cells get. */
  fit: boolean;
  /** Groups that are folded into one row and column; only with order=group. */
  folded: readonly string[];
  /** RFC 3339; null: now, and going on. */
  at: string | null;
  span: Span;
  /** A duration before `at`, or an instant (RFC 3339). */
  than: string;
  /** How far the link's charts look back. */
  back: string;
  /** The site that was looked for: every place shows where it is; empty: none. */
  site: string;
  /** What the list of sites is sorted by. */
  sort: SiteOrder;
}

function oneOf<Name extends string>(names: readonly Name[], text: string | null, otherwise: Name): Name {
  return names.find((name) => name === text) ?? otherwise;
}

function instant(text: string | null): string | null {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

export function parseHash(hash: string): View {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const metric = metricNamed(params.get("metric") ?? "rtt") ?? metricNamed("rtt")!;
  const stat = params.get("stat") ?? "";
  const isWindow = (text: string | null): text is string => windows.some((choice) => choice.name === text);
  const window = params.get("window");
  const back = params.get("back");
  const from = params.get("from");
  const to = params.get("to");
  const than = params.get("than");
  return {
    metric,
    stat: statsOf(metric).some((choice) => choice.name === stat) ? stat : firstStat(metric),
    window: isWindow(window) ? window : "1h",
    link: from && to && from !== to ? { from, to } : null,
    place: oneOf(places, params.get("place"), "matrix"),
    colour: oneOf(colourModes, params.get("colour"), "bands"),
    layer: oneOf(layers, params.get("layer"), "value"),
    order: oneOf(orders, params.get("order"), "given"),
    fit: params.get("fit") === "1",
    folded: params.getAll("folded"),
    at: instant(params.get("at")),
    span: oneOf(spans, params.get("span"), "24h"),
    than: thans.find((choice) => choice === than) ?? instant(than) ?? "24h",
    back: isWindow(back) ? back : "6h",
    site: params.get("site") ?? "",
    sort: oneOf(siteOrders, params.get("sort"), "given"),
  };
}

/** Choices that are the first ones are left out, but for the three that say what is seen. */
export function formatHash(view: View): string {
  const params = new URLSearchParams({ metric: view.metric.name, stat: view.stat, window: view.window });
  const put = (name: string, value: string, first: string): void => {
    if (value !== first) params.set(name, value);
  };
  put("place", view.place, "matrix");
  put("colour", view.colour, "bands");
  put("layer", view.layer, "value");
  put("order", view.order, "given");
  put("fit", view.fit ? "1" : "", "");
  for (const group of view.folded) params.append("folded", group);
  put("at", view.at ?? "", "");
  put("span", view.span, "24h");
  put("than", view.than, "24h");
  put("site", view.site, "");
  if (view.place === "sites") put("sort", view.sort, "given");
  if (view.link) {
    params.set("from", view.link.from);
    params.set("to", view.link.to);
    put("back", view.back, "6h");
  }
  return `#${params.toString()}`;
}

/** Another metric keeps the statistic, unless it was only the former metric's first choice or has no meaning here. */
export function withMetric(view: View, metric: Metric): View {
  const chosen = view.stat !== firstStat(view.metric) && statsOf(metric).some((choice) => choice.name === view.stat);
  return { ...view, metric, stat: chosen ? view.stat : firstStat(metric) };
}

/** Whether both ask the coordinator for the same cells. */
export function sameQuestion(a: View, b: View): boolean {
  return a.metric === b.metric && a.stat === b.stat && a.window === b.window && a.at === b.at;
}

const seconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };

/** "6h" in milliseconds. */
export function duration_ms(text: string): number {
  return 1000 * Number.parseInt(text, 10) * (seconds[text.slice(-1)] ?? 1);
}

/** The other instant of a difference. */
export function thanInstant(view: View, now_ms: number): string {
  if (!(thans as readonly string[]).includes(view.than)) return view.than;
  const at = view.at === null ? now_ms : Date.parse(view.at);
  // Whole minutes, so that the answer holds for a while.
  return new Date(Math.floor((at - duration_ms(view.than)) / 60000) * 60000).toISOString();
}
