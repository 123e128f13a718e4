// One button for each group, to fold it into one row and column; only where rows are ordered by group.
import { element, showChildren } from "../dom";
import { groupsOf } from "../model/axis";
import type { MeshModel } from "../model/mesh_model";
import type { View } from "../model/view_state";

export function toggled(folded: readonly string[], group: string): string[] {
  return folded.includes(group) ? folded.filter((name) => name !== group) : [...folded, group];
}

export class GroupsBar {
  private view_: View | null = null;

  constructor(private readonly host_: HTMLElement, onChange: (view: View) => void) {
    host_.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      const group = button?.getAttribute("data-group");
      if (this.view_ && group !== null && group !== undefined) onChange({ ...this.view_, folded: toggled(this.view_.folded, group) });
    });
  }

  show(view: View, model: MeshModel): void {
    this.view_ = view;
    this.host_.hidden = view.order !== "group";
    if (this.host_.hidden) return;
    const groups = [...groupsOf(model.grid, model.sites)].filter(([, members]) => members.length > 1);
    showChildren(this.host_, groups.length === 0
      ? [element("p", { class: "dim" }, "No group has two sites; groups are named in the coordinator's configuration.")]
      : groups.map(([group, members]) => {
        const folded = view.folded.includes(group);
        return element("button", { type: "button", "data-group": group, "aria-pressed": String(folded),
          title: folded ? "show its sites" : "fold into one row and column; it shows the worst of its links" },
        `${folded ? "▸" : "▾"} ${group} (${members.length})`);
      }));
  }
}
