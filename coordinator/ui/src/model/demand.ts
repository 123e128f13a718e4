// A run on demand (/api/v1/probes) in words that people read. Pure.
import { fieldsOf, numberOf, textOf, timeOf } from "./fields";
import { inWords, octets } from "./format";
import { headline, limitOf, readRun } from "./link_data";

export interface Demand {
  id: string;
  state: string;
  probe: string;
  scheduled_ms: number | null;
  length_s: number;
  elapsed_s: number;
  bytes: number;
  reason: string;
  result: unknown;
}

export function readDemand(answer: unknown): Demand {
  const fields = fieldsOf(answer);
  const progress = fieldsOf(fields.progress);
  return {
    id: textOf(fields.id), state: textOf(fields.state), probe: textOf(fields.probe), scheduled_ms: timeOf(fields.scheduled_at),
    length_s: numberOf(fields.length_s) ?? 0, elapsed_s: numberOf(progress.elapsed_s) ?? 0, bytes: numberOf(progress.bytes) ?? 0,
    reason: textOf(fields.reason), result: fields.result ?? null,
  };
}

export function hasEnded(demand: Demand): boolean {
  return ["done", "failed", "expired"].includes(demand.state);
}

/** 0 to 1; waiting is no progress. */
export function shareDone(demand: Demand): number {
  if (hasEnded(demand)) return 1;
  return demand.state === "running" && demand.length_s > 0 ? Math.min(0.98, demand.elapsed_s / demand.length_s) : 0;
}

function resultWords(demand: Demand): string {
  const run = readRun(demand.result);
  const main = headline(run);
  const words = main === null ? "" : inWords(main.value, main.unit);
  if (demand.probe === "latency") {
    const spread = fieldsOf(fieldsOf(fieldsOf(demand.result).distributions).rtt);
    const [min, max] = [numberOf(spread.min), numberOf(spread.max)];
    const lost = numberOf(run.values.loss_rtt);
    const around = min === null || max === null ? "" : ` (${inWords(min, "s")} to ${inWords(max, "s")})`;
    return `${words || "no answer"}${around}, ${lost === null ? "loss unknown" : `${inWords(lost, "ratio")} lost`}`;
  }
  if (demand.probe === "connect") return words || "no connection";
  const bytes = numberOf(run.details.bytes);
  return [words || "no rate", bytes === null ? "" : `${octets(bytes)} moved`, limitOf(run)].filter((part) => part !== "").join(", ");
}

export function demandWords(demand: Demand, now_ms: number): string {
  switch (demand.state) {
    case "queued": {
      const wait_s = demand.scheduled_ms === null ? 0 : Math.max(0, (demand.scheduled_ms - now_ms) / 1000);
      return wait_s < 1 ? "about to begin" : `waits for its turn in the timetable: ${Math.ceil(wait_s)} s`;
    }
    case "running": {
      const moved = demand.bytes > 0 ? `, ${octets(demand.bytes)} moved (${inWords((8 * demand.bytes) / Math.max(0.1, demand.elapsed_s), "bit/s")})` : "";
      return `measuring, ${demand.elapsed_s.toFixed(0)} of at most ${Math.ceil(demand.length_s)} s${moved}`;
    }
    case "done": return resultWords(demand);
    case "failed": return `failed: ${demand.reason || readRun(demand.result).outcome || "no reason was given"}`;
    case "expired": return `no result: ${demand.reason || "nothing came in time"}`;
    default: return demand.state;
  }
}
