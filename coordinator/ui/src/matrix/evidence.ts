// Fetches what a judge compares with: the same hour of the last weeks, and the other instant of a difference. The
// questions are those that the matrix itself asks, at other instants.
import { Grid, medianOf } from "../model/grid";
import type { Evidence } from "../model/judge";
import type { MeshModel } from "../model/mesh_model";
import { thanInstant, type View } from "../model/view_state";
import { getMatrix, Refused } from "../net/api";

const weeks = 4;
const week_ms = 7 * 86400_000;
const hour_ms = 3600_000;
const retry_ms = 60_000;

interface Fetched {
  key: string;
  grids: Grid[];
  at_ms: number;
  /** Why there is none; empty: no reason. */
  refused: string;
}

const nothing: Fetched = { key: "", grids: [], at_ms: 0, refused: "" };

export class EvidenceStore {
  private baseline_ = nothing;
  private other_ = nothing;
  private pending_ = "";
  private shown_: { of: Grid; fetched: Fetched; values: Float64Array | null } | null = null;

  constructor(private readonly model_: MeshModel, private readonly onArrived_: () => void) {}

  /** Why the comparison cannot be made, for the notice; empty: it can. */
  refusal(view: View): string {
    if (view.layer === "difference") return this.other_.refused;
    return view.layer !== "asymmetry" && view.colour === "baseline" ? this.baseline_.refused : "";
  }

  /** What is known now; asks for what is missing. */
  evidence(view: View, now_ms: number): Evidence {
    const wanted = view.layer === "difference" ? "other" : view.colour === "baseline" && view.layer !== "asymmetry" ? "baseline" : "";
    const evidence: Evidence = { baseline: null, baselineWeeks: 0, other: null, sites: this.model_.sites };
    if (wanted === "") return evidence;
    const instants = wanted === "other" ? [thanInstant(view, now_ms)] : this.weeksBefore(view, now_ms);
    const key = [view.metric.name, view.stat, view.window, ...instants].join("\n");
    const fetched = wanted === "other" ? this.other_ : this.baseline_;
    const due = fetched.key !== key || (fetched.grids.length === 0 && Date.now() - fetched.at_ms > retry_ms);
    if (due && this.pending_ !== key) void this.fetch(wanted, key, view, instants);
    // What belongs to another metric says nothing here; an hour ago's baseline still does.
    if (!fetched.key.startsWith([view.metric.name, view.stat, view.window, ""].join("\n"))) return evidence;
    const values = this.valuesOf(fetched);
    if (wanted === "other") return { ...evidence, other: values };
    return { ...evidence, baseline: values, baselineWeeks: fetched.grids.filter((grid) => grid.everMeasured()).length };
  }

  private valuesOf(fetched: Fetched): Float64Array | null {
    const { grid } = this.model_;
    if (this.shown_?.of !== grid || this.shown_.fetched !== fetched) {
      this.shown_ = { of: grid, fetched, values: fetched.grids.length === 0 ? null : medianOf(fetched.grids, grid) };
    }
    return this.shown_.values;
  }

  /** The hour that is shown, of each of the last weeks, in whole hours so that the answers hold for a while. */
  private weeksBefore(view: View, now_ms: number): string[] {
    const at = view.at === null ? now_ms : Date.parse(view.at);
    const hour = Math.ceil(at / hour_ms) * hour_ms;
    return Array.from({ length: weeks }, (_, i) => new Date(hour - (i + 1) * week_ms).toISOString());
  }

  private async fetch(wanted: "other" | "baseline", key: string, view: View, instants: string[]): Promise<void> {
    this.pending_ = key;
    const question = wanted === "baseline" ? { ...view, window: "1h" } : view;
    const fetched: Fetched = { key, grids: [], at_ms: Date.now(), refused: "" };
    for (const at of instants) {
      try {
        const answer = await getMatrix(question, at);
        fetched.grids.push(new Grid(answer, Date.now()));
      } catch (error) {
        fetched.refused = error instanceof Refused ? error.message : "the coordinator did not answer";
      }
    }
    if (this.pending_ !== key) return;
    this.pending_ = "";
    if (wanted === "other") this.other_ = fetched;
    else this.baseline_ = fetched;
    this.onArrived_();
  }
}

