// What the reader has chosen. It lives in the URL's hash, so that every view can be sent as a link.
import { firstStat, metricNamed, statsOf, windows, type Metric } from "./metrics";
import type { Link } from "./types";

export interface View {
  metric: Metric;
  stat: string;
  window: string;
  link: Link | null;
}

export function parseHash(hash: string): View {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const metric = metricNamed(params.get("metric") ?? "rtt") ?? metricNamed("rtt")!;
  const stat = params.get("stat") ?? "";
  const window = params.get("window") ?? "";
  const from = params.get("from");
  const to = params.get("to");
  return {
    metric,
    stat: statsOf(metric).some((choice) => choice.name === stat) ? stat : firstStat(metric),
    window: windows.some((choice) => choice.name === window) ? window : "1h",
    link: from && to && from !== to ? { from, to } : null,
  };
}

export function formatHash(view: View): string {
  const params = new URLSearchParams({ metric: view.metric.name, stat: view.stat, window: view.window });
  if (view.link) {
    params.set("from", view.link.from);
    params.set("to", view.link.to);
  }
  return `#${params.toString()}`;
}

/** Another metric keeps the statistic, unless it was only the former metric's first choice or has no meaning here. */
export function withMetric(view: View, metric: Metric): View {
  const chosen = view.stat !== firstStat(view.metric) && statsOf(metric).some((choice) => choice.name === view.stat);
  return { ...view, metric, stat: chosen ? view.stat : firstStat(metric) };
}
