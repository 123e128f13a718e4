// Silences and acknowledgements of the stand-in coordinator (docs/api.md).
const hour = 3600_000;

export class Quiet {
  silences = [];
  windows = [{ name: "sundays", state: "pending", matchers: { site: ["athens"] }, author: "noc", reason: "updates",
    starts_at: new Date(Date.now() + hour).toISOString(), ends_at: new Date(Date.now() + 2 * hour).toISOString(), until: null }];

  /** [answer, status]; `mock` tells every stream where an incident has changed. */
  answer(method, path, authorization, body, mock) {
    if (method === "GET") return [{ at: new Date().toISOString(), silences: this.silences, windows: this.windows }, 200];
    if (authorization !== "Bearer sesame") return [{ error: "this token is not known" }, 401];
    const incident = /^\/api\/v1\/incidents\/([^/]+)\/acknowledge$/.exec(path);
    if (incident) return this.acknowledge(mock, decodeURIComponent(incident[1]), method === "POST" ? body : null);
    if (method === "POST") return this.silence(mock, body);
    const one = this.silences.find(({ id }) => id === path.split("/").pop());
    if (!one) return [{ error: "no such silence" }, 404];
    one.state = "expired";
    this.tell(mock);
    return [one, 200];
  }

  silence(mock, body) {
    if (!body.reason) return [{ error: "the reason is missing; say it in a few words" }, 400];
    const lists = Object.fromEntries(Object.entries(body.matchers).map(([key, value]) => [key, [value].flat()]));
    const now = new Date().toISOString();
    const one = { id: String(100 + this.silences.length), state: "active", matchers: lists, author: body.author ?? "ops", token: "ops", reason: body.reason,
      created_at: now, starts_at: now, ends_at: new Date(Date.now() + 2 * hour).toISOString(), ended_by: null };
    this.silences.push(one);
    this.tell(mock);
    return [one, 201];
  }

  acknowledge(mock, id, body) {
    const incident = mock.incidents.find((one) => one.id === id);
    if (!incident) return [{ error: "no such incident" }, 404];
    incident.acknowledged = body && { author: body.author ?? "ops", token: "ops", reason: body.reason ?? "", at: new Date().toISOString() };
    this.tell(mock);
    return [incident, 200];
  }

  tell(mock) {
    for (const incident of mock.incidents)
      incident.silenced = this.silences.filter((one) => one.state === "active" && one.matchers.site?.includes(incident.site))
        .map(({ id, author, reason, ends_at }) => ({ silence: id, window: null, author, reason, ends_at }));
    for (const stream of mock.streams) mock.write(stream, "incidents", { mesh: "europe", incidents: mock.incidents });
  }
}
