// GET /api/v1/incidents as the page needs it (docs/api.md). A field that is missing is shown as unknown.
import { fieldsOf, listOf, numberOf, textOf, timeOf } from "./fields";
import { dayTime } from "./format";
import type { Link } from "./types";

export interface Incident {
  id: string;
  cause: string;
  summary: string;
  severity: string;
  open: boolean;
  started_ms: number | null;
  ended_ms: number | null;
  /** 0 to 1. */
  confidence: number | null;
  metrics: string[];
  links: Link[];
  evidence: string[];
  alternatives: string[];
  /** What happened to it, oldest first, each with its time. */
  timeline: string[];
  acknowledged: boolean;
  /** Who has acknowledged or silenced it, and why, in sentences. */
  quiet: string[];
  /** The names of its cause; empty where it has none of the kind. */
  place: { site: string; from: string; to: string; uplink: string; group: string };
  mesh: string;
}

const causeTexts: Record<string, string> = {
  site_down: "site down", egress: "egress of a site", ingress: "ingress of a site", uplink: "shared uplink", group: "group of sites",
  link: "one link", pair: "one pair", all: "whole mesh", agent_silent: "agent silent", agent_starved: "agent starved", clock: "clock",
  coordinator: "coordinator", budget: "budget of bytes",
};

export function causeText(cause: string): string {
  return Object.prototype.hasOwnProperty.call(causeTexts, cause) ? causeTexts[cause]! : cause;
}

/** Evidence may be a sentence, or an object with a text. */
function sentencesOf(value: unknown): string[] {
  return listOf(value).map((item) => {
    if (typeof item === "string") return item;
    const fields = fieldsOf(item);
    const text = textOf(fields.text) || textOf(fields.summary);
    const hops = textOf(fields.hops);
    if (text !== "" && hops !== "") return `${text} (hops: ${hops})`;
    return text !== "" ? text : Object.entries(fields).map(([name, one]) => `${name} ${String(one)}`).join(", ");
  }).filter((text) => text !== "");
}

function linksOf(value: unknown): Link[] {
  return listOf(value).map((item) => {
    const fields = fieldsOf(item);
    return { from: textOf(fields.from), to: textOf(fields.to) };
  }).filter((link) => link.from !== "" && link.to !== "");
}

/** "12:00:05 opened as: athens egress" */
function timelineOf(value: unknown): string[] {
  return listOf(value).map(fieldsOf).map((moment) => {
    const at = timeOf(moment.at);
    return [at === null ? "" : dayTime(at), textOf(moment.text)].filter((word) => word !== "").join(" ");
  }).filter((text) => text !== "");
}

/** Where the cause stands: a site, a link, an uplink. */
function placeOf(fields: Record<string, unknown>): string {
  const [site, uplink, from, to] = [fields.site, fields.uplink, fields.from, fields.to].map(textOf) as [string, string, string, string];
  if (site !== "") return site;
  if (uplink !== "") return uplink;
  return from !== "" && to !== "" ? `${from} → ${to}` : "";
}

/** "Acknowledged by ann: on it" */
function quietOf(fields: Record<string, unknown>): string[] {
  const sentence = (head: string, one: Record<string, unknown>): string => {
    const reason = textOf(one.reason);
    const end = timeOf(one.ends_at);
    return `${head} by ${textOf(one.author)}${end === null ? "" : ` until ${dayTime(end)}`}${reason === "" ? "" : `: ${reason}`}`;
  };
  const acknowledged = fieldsOf(fields.acknowledged);
  return [
    ...(textOf(acknowledged.author) === "" ? [] : [sentence("Acknowledged", acknowledged)]),
    ...listOf(fields.silenced).map(fieldsOf).map((one) => sentence(textOf(one.window) === "" ? "Silenced" : `In the maintenance window ${textOf(one.window)}`, one)),
  ];
}

function incidentOf(value: unknown, mesh: string): Incident {
  const fields = fieldsOf(value);
  const cause = textOf(fields.cause);
  const ended_ms = timeOf(fields.ended_at);
  return {
    id: textOf(fields.id) || String(numberOf(fields.id) ?? ""),
    cause,
    summary: textOf(fields.summary) || [causeText(cause), placeOf(fields)].filter((word) => word !== "").join(": "),
    severity: textOf(fields.severity),
    open: textOf(fields.state) !== "closed" && ended_ms === null,
    started_ms: timeOf(fields.started_at),
    ended_ms,
    confidence: numberOf(fields.confidence),
    metrics: listOf(fields.metrics).map(textOf).filter((metric) => metric !== ""),
    links: linksOf(fields.links),
    evidence: [...sentencesOf(fields.patterns), ...sentencesOf(fields.evidence)],
    alternatives: sentencesOf(fields.alternatives),
    timeline: timelineOf(fields.timeline),
    acknowledged: textOf(fieldsOf(fields.acknowledged).author) !== "",
    quiet: quietOf(fields),
    place: { site: textOf(fields.site), from: textOf(fields.from), to: textOf(fields.to), uplink: textOf(fields.uplink), group: textOf(fields.group) },
    mesh,
  };
}

/** Open ones first, then the newest. */
export function readIncidents(answer: unknown): Incident[] {
  const fields = fieldsOf(answer);
  return listOf(fields.incidents).map((one) => incidentOf(one, textOf(fields.mesh)))
    .sort((a, b) => Number(b.open) - Number(a.open) || (b.started_ms ?? 0) - (a.started_ms ?? 0));
}
