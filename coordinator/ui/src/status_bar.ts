// The header: which mesh, how many sites are heard, whether what is shown is of now.
import { byId, setText } from "./dom";
import { clockTime, dayTime } from "./model/format";
import { headlineFor } from "./model/headline";
import type { View } from "./model/view_state";
import type { Connection } from "./net/live";
import type { MeshModel as Model } from "./model/mesh_model";

const texts: Record<Connection, string> = {
  connecting: "connecting",
  live: "live",
  polling: "polling",
  lost: "no connection",
};
const meanings: Record<Connection, string> = {
  connecting: "the first answers are under way",
  live: "changes arrive as they happen",
  polling: "something between browser and coordinator holds the event stream back; the page asks every 5 s",
  lost: "the coordinator does not answer; the page goes on trying",
};

export class StatusBar {
  private readonly mesh_ = byId("mesh", HTMLElement);
  private readonly heard_ = byId("heard", HTMLElement);
  private readonly connection_ = byId("connection", HTMLElement);
  private readonly text_ = byId("connection-text", HTMLElement);
  private readonly updated_ = byId("updated", HTMLTimeElement);
  private readonly headline_ = byId("headline", HTMLElement);

  sayHeadline(model: Model, view: View): void {
    setText(this.headline_, headlineFor(model, view));
  }

  show(model: Model, connection: Connection): void {
    const agents = model.sites.filter((site) => site.health !== "no_agent");
    const heard = agents.filter((site) => site.health === "ok");
    if (model.mesh !== "") {
      setText(this.mesh_, model.mesh);
      document.title = `${model.mesh} · Sonde`;
    }
    setText(this.heard_, agents.length === 0 ? "" : `${heard.length}/${agents.length} sites heard`);
    this.heard_.dataset.complete = String(heard.length === agents.length);
    this.connection_.dataset.connection = connection;
    this.connection_.title = meanings[connection];
    setText(this.text_, texts[connection]);
    if (!model.updatedAt) return;
    setText(this.updated_, clockTime(model.updatedAt));
    this.updated_.dateTime = model.updatedAt.toISOString();
    this.updated_.title = model.updatedAt.toISOString();
  }
}

/** What the reader should know before looking at the cells; empty: nothing. */
export function noticeFor(model: Model, connection: Connection, refused: string): string {
  if (refused !== "") return `The coordinator refused this view: ${refused}`;
  if (connection === "lost") {
    return model.updatedAt
      ? `The coordinator does not answer. What you see is from ${clockTime(model.updatedAt)}.`
      : "The coordinator does not answer yet.";
  }
  if (model.grid.at === "") return "";  // no matrix has come yet
  if (model.grid.n === 0) return "This mesh has no sites yet.";
  if (model.grid.n === 1) return "This mesh has one site only; a link needs two.";
  if (!model.past && !model.grid.everMeasured()) return "Nothing has been measured yet. Cells fill as the first results arrive.";
  if (model.past) return `This is the past: ${dayTime(Date.parse(model.grid.at))}. “Now” leads back.`;
  return "";
}
