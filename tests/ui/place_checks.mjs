// The places beside the matrix, and the link with measuring now.
import assert from "node:assert/strict";
import { accessible } from "./axe.mjs";
import { placeShown } from "./browser.mjs";
import { api, eventually, shownCells } from "./checks.mjs";

async function go(page, base, hash) {
  await page.goto(`${base}#${new URLSearchParams(hash)}`);
  await page.waitForSelector("body.loaded");
}

export async function placesAreAccessible({ page, base }, link) {
  for (const place of ["matrix", "incidents", "sites", "timetable", "map"]) {
    await go(page, base, { place });
    await page.waitForSelector(`#${place}-place:not([hidden])`);
    await placeShown(page, place);
    await accessible(page);
  }
  await go(page, base, link);
  await page.waitForSelector("#panel-body tr");
  await placeShown(page, "link");
  await accessible(page);
}

export async function timetableShown({ page, base }) {
  await go(page, base, { place: "timetable" });
  const plan = await api(base, "/api/v1/timetable");
  await eventually("policy", async () => assert.match(await page.textContent("#timetable-policy"), new RegExp(`Generation ${plan.generation}`)));
  const audit = await api(base, "/api/v1/timetable/audit?window=24h");
  await eventually("audit", async () => assert.equal((await page.$$("#usage-body tr")).length, Object.keys(audit.utilisation).length + Object.keys(audit.uplinks).length));
  assert.match(await page.textContent("#audit-body"), /overlaps/);
  if (plan.slots.length > 0) assert.ok((await page.$$("#coming li strong")).length > 0, "no slot comes next");
}

export async function mapShown({ page, base }) {
  await go(page, base, { place: "map" });
  const { sites } = await api(base, "/api/v1/sites");
  const placed = sites.filter((site) => site.location);
  await eventually("sites on the map", async () => assert.equal((await page.$$("#map-names button")).length, placed.length));
  const before = await page.$eval("#map-canvas", (canvas) => canvas.toDataURL());
  await page.$eval("#map-names button", (button) => button.click());
  await page.waitForSelector("#map-links li");
  const site = new URLSearchParams(new URL(page.url()).hash.slice(1)).get("site");
  assert.equal(await page.getAttribute('#map-names button[aria-pressed="true"]', "data-site"), site, "the chosen site is in the address");
  assert.notEqual(await page.$eval("#map-canvas", (canvas) => canvas.toDataURL()), before, "only the links of one site are drawn");
  const links = await page.$$eval("#map-links li button", (all) => all.map((link) => link.textContent));
  await page.reload();
  await eventually("deep link", async () => assert.deepEqual(await page.$$eval("#map-links li button", (all) => all.map((link) => link.textContent)), links));
  await page.click("#map-links li button");
  await page.waitForSelector("#panel:not([hidden])");
}

/** Charts, findings, detours, raw results and the way back. */
export async function linkShown({ page, base }, link) {
  await go(page, base, link);
  await page.waitForSelector(".raw tbody tr", { timeout: 15000 });
  await page.waitForSelector(".chart .u-wrap canvas");
  const explained = await api(base, `/api/v1/links/${link.from}/${link.to}/explain`);
  await eventually("findings", async () =>
    assert.equal((await page.$$(".findings div:first-child li")).length, explained.findings.length));
  assert.match(await page.textContent("#panel-note"), /Medians over/);
  const density = await page.waitForSelector('figure.chart:has-text("Distribution over time") canvas');
  await eventually("density", async () => assert.match(await density.getAttribute("aria-label"), / above: .* to .*below: .*humps apart/));
  const inks = await density.evaluate((canvas) => new Set(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.filter((_, i) => i % 4 === 3)).size);
  assert.ok(inks > 3, "densities differ");
  const runs = await page.$$eval(".raw tbody tr", (rows) => rows.map((row) => row.textContent));
  assert.ok(runs.some((text) => text.includes(`${link.from} → ${link.to}`)) && runs.some((text) => text.includes(`${link.to} → ${link.from}`)));
  await page.selectOption("#back", "1h");
  await page.waitForFunction(() => new URLSearchParams(location.hash.slice(1)).get("back") === "1h");
  await page.click("#turn");
  await page.waitForFunction((name) => document.querySelector("#panel-title").textContent.startsWith(name), link.to);
  await page.keyboard.press("Escape");
  await page.waitForSelector("#matrix-place:not([hidden])");
}

/** A wrong token is refused in words; with the right one each button ends in a result that people can read. */
export async function measuringNow({ page, base }, link, token, buttons) {
  await go(page, base, link);
  await page.waitForSelector("#token");
  assert.ok(await page.isDisabled('button[data-kind="ping"]'), "without a token nothing can be asked");
  await page.fill("#token", "wrong");
  await page.click('button[data-kind="ping"]');
  await eventually("refusal", async () => assert.equal(await page.getAttribute(".demands li", "data-state"), "refused"));
  assert.match(await page.textContent(".demands li .words"), /token/i);
  await page.fill("#token", token);
  for (const [kind, wanted] of buttons) {
    await page.click(`button[data-kind="${kind}"]`);
    await eventually(kind, async () => {
      const row = await page.$(`.demands li[data-kind="${kind}"]:not([data-state="refused"])`);
      assert.match(await row.textContent(), wanted);
    }, 40000);
  }
}

/** An incident marks its cells, stands in the list and on its link, and counts in the navigation. */
export async function incidentShows({ mock, page, base }) {
  await page.waitForSelector('#connection[data-connection="live"]');
  mock.raise({
    id: "i1", cause: "egress", site: "berlin", from: null, to: null, uplink: null, metrics: ["loss"], severity: "critical", state: "open",
    started_at: new Date(Date.now() - 600_000).toISOString(), ended_at: null, confidence: 0.9, links: [{ from: "berlin", to: "athens" }, { from: "berlin", to: "gdansk" }],
    alternatives: ["berlin's uplink"], summary: "Egress of berlin loses packets",
    evidence: ["both links lose packets since <script>alert(1)</script>",
      { kind: "path", from: "berlin", to: "athens", text: "berlin -> athens: nothing answers behind hop 1 (192.0.2.201)", hops: "1 192.0.2.201 3.1 ms" }],
    timeline: [{ at: new Date(Date.now() - 600_000).toISOString(), text: "opened as: berlin egress" }],
  });
  await eventually("mark", async () => {
    const marked = await page.$$eval("#cells td[data-incident]", (cells) => cells.map((cell) => `${cell.dataset.from} ${cell.dataset.to}`));
    assert.deepEqual(marked.sort(), ["berlin athens", "berlin gdansk"]);
  });
  assert.equal(await page.textContent(".badge"), "1");
  await go(page, base, { place: "incidents" });
  await page.waitForSelector('.incident[data-open="true"]');
  const text = await page.textContent(".incident");
  for (const word of ["Egress of berlin", "90 %", "<script>alert(1)</script>", "berlin's uplink", "behind hop 1", "hops: 1 192.0.2.201 3.1 ms", "opened as: berlin egress"]) assert.ok(text.includes(word), `the incident lacks ${word}`);
  await page.click(".incident .links button");
  await page.waitForSelector("#link-incidents .incident");
}

/** Silence and acknowledge: not without a token, the refusal is told, and what is held says so. */
export async function incidentsAreHeld({ mock, page, base }) {
  mock.raise({
    id: "i2", cause: "egress", site: "berlin", from: null, to: null, uplink: null, group: null, metrics: ["loss"], severity: "warning", state: "open", started_at: new Date().toISOString(),
    ended_at: null, confidence: 0.9, links: [{ from: "berlin", to: "athens" }], alternatives: [], evidence: [], summary: "Egress of berlin", held: false, acknowledged: null, silenced: [],
  });
  await go(page, base, { place: "incidents" });
  await page.waitForSelector(".incident .actions");
  assert.ok(await page.isDisabled('[data-act="silence"]'), "without a token nothing can be changed");
  assert.match(await page.textContent("#silences"), /Maintenance window sundays: site athens, from .* noc: updates/);
  await page.fill("#quiet-token", "sesame");
  await page.click('[data-act="silence"]');
  await eventually("refusal", async () => assert.match(await page.textContent("#quiet-said"), /the reason is missing/));
  await page.fill("#quiet-reason", "new router");
  await page.fill("#quiet-author", "ann");
  await page.click('[data-act="silence"]');
  await eventually("silenced", async () => assert.match(await page.textContent(".incident .held"), /Silenced by ann until .*: new router/));
  assert.deepEqual(mock.quiet.silences[0].matchers, { site: ["berlin"] });
  await page.click('[data-act="acknowledge"]');
  await eventually("acknowledged", async () => assert.match(await page.textContent(".incident"), /Acknowledged by ann: new router/));
  await eventually("in the list", async () => assert.match(await page.textContent("#silences"), /Silence: site berlin, until .*, ann: new router/));
  await accessible(page);
  await page.click('[data-act="end"]');
  await page.click('[data-act="withdraw"]');
  await eventually("told again", async () => assert.equal((await page.$$(".incident .held")).length, 0));
  await eventually("ended", async () => assert.doesNotMatch(await page.textContent("#silences"), /Silence:/));
}

/** Names, places and states of a store in which nothing is. */
export async function emptyStoreIsSaid({ page }) {
  await page.waitForSelector("body.loaded");
  await eventually("notice", async () => assert.match(await page.textContent("#notice"), /Nothing has been measured yet/));
  await eventually("states", async () => {
    const states = new Set((await shownCells(page)).map(({ state }) => state));
    assert.ok(!states.has("ok") && states.size > 0, [...states].join());
  });
}

/** Sites sort by what is wrong with them; the order is in the address. */
export async function sitesSort({ page, base }) {
  await go(page, base, { place: "sites" });
  await page.waitForSelector("#sites-body tr");
  const names = () => page.$$eval("#sites-body th", (all) => all.map((name) => name.firstChild.textContent));
  const given = await names();
  await page.click('button[data-sort="name"]');
  const byName = [...given].sort(new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare);
  await eventually("by name", async () => assert.deepEqual(await names(), byName));
  await page.click('button[data-sort="health"]');
  await eventually("by health", async () => assert.equal(await page.getAttribute("#sites-body tr .health", "data-health"), "silent"));
  assert.equal(await page.getAttribute('th:has(button[data-sort="health"])', "aria-sort"), "descending");
  await page.reload();
  await eventually("deep link", async () => assert.equal(await page.getAttribute("#sites-body tr .health", "data-health"), "silent"));
  await page.click('button[data-sort="health"]');
  await eventually("as configured", async () => assert.deepEqual(await names(), given));
}

/** A site is found by a part of its name, and every place shows where it is; two names are a link. */
export async function siteFound({ page, base }) {
  const { sites } = await api(base, "/api/v1/sites");
  const { name } = sites[sites.length - 1];
  await go(page, base, { place: "matrix" });
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "find");
  await page.keyboard.type(name.slice(0, -1).toUpperCase());
  await page.waitForSelector('#find-list:not([hidden]) li[aria-selected="true"]');
  await accessible(page);
  await page.fill("#find", name);
  await page.keyboard.press("Enter");
  await page.waitForFunction((site) => new URLSearchParams(location.hash.slice(1)).get("site") === site, name);
  await eventually("heads", async () => assert.deepEqual(await page.$$eval(".site.found .name", (all) => all.map((one) => one.textContent)), [name, name]));
  const inSight = await page.$eval("#matrix", (host) => [...host.querySelectorAll(".site.found")].every((head) => {
    const [box, room] = [head.getBoundingClientRect(), host.getBoundingClientRect()];
    return box.right <= room.right + 1 && box.bottom <= room.bottom + 1 && box.left >= room.left - 1 && box.top >= room.top - 1;
  }));
  assert.ok(inSight, "row and column are in sight");
  await page.reload();
  await page.waitForSelector(".site.found");
  await page.keyboard.press("3");
  await eventually("in the list", async () => assert.equal(await page.textContent("#sites-body .found th", { timeout: 100 }).then((text) => text.startsWith(name)), true));
  await page.keyboard.press("/");
  await page.keyboard.type("no such site anywhere");
  await eventually("nothing", async () => assert.match(await page.textContent("#find-list"), /no site is called that/));
  await page.fill("#find", `${sites[0].name} ${sites[1].name}`);
  await page.keyboard.press("Enter");
  await eventually("link", async () => assert.ok((await page.textContent("#panel-title")).startsWith(`${sites[0].name} ⇄ ${sites[1].name}`)));
  await page.click("#panel-close");
  await page.fill("#find", "");
  await page.waitForFunction(() => !new URLSearchParams(location.hash.slice(1)).has("site"));
}
