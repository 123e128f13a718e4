// Requests to the coordinator that served this page.
import { ColumnsReader } from "../model/columns";
import type { Link, MatrixAnswer } from "../model/types";
import type { View } from "../model/view_state";

/** For what the coordinator has at hand: whether it answers at all shows here. */
const patience_ms = 8000;
/** A large mesh is large, and questions about the past are read from the store. */
const patience_large_ms = 45000;

/** The coordinator answered, and said no. Its text is shown to the reader. */
export class Refused extends Error {
  constructor(text: string, readonly status: number) {
    super(text);
  }
}

async function answerOf(response: Response): Promise<Response> {
  if (response.ok) return response;
  const body = (await response.json().catch(() => ({}))) as { error?: unknown };
  const text = typeof body.error === "string" ? body.error : `status ${response.status}`;
  if (response.status >= 500 && response.status !== 503) throw new Error(text);
  throw new Refused(text, response.status);
}

type Query = Record<string, string | null>;

function address(path: string, query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== null) params.set(name, value);
  const text = params.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** Ends a request after its time, or when `cancel` says so. */
function signalOf(patience: number, cancel: AbortSignal | null): AbortSignal {
  const signal = AbortSignal.timeout(patience);
  if (!cancel) return signal;
  const either = new AbortController();
  for (const one of [signal, cancel]) one.addEventListener("abort", () => either.abort(one.reason));
  return either.signal;
}

export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

async function ask(path: string, query: Query = {}, patience = patience_large_ms, cancel: AbortSignal | null = null): Promise<Response> {
  return answerOf(await fetch(address(path, query), { cache: "no-store", signal: signalOf(patience, cancel) }));
}

async function get(path: string, query: Query = {}, patience = patience_large_ms, cancel: AbortSignal | null = null): Promise<unknown> {
  return (await ask(path, query, patience, cancel)).json();
}

export function cellQuery(view: View): Record<string, string> {
  return { metric: view.metric.name, stat: view.stat, window: view.window };
}

/** How long the reading of a large answer may go on at a time. */
const turn_ms = 6;

/** Behind what else waits for the page's one thread; a timer would wait longer. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (): void => resolve();
    port2.postMessage(null);
  });
}

export async function getMatrix(view: View, at: string | null, cancel: AbortSignal | null = null): Promise<MatrixAnswer> {
  const { body } = await ask("/api/v1/matrix", { ...cellQuery(view), at, layout: "columns" }, patience_large_ms, cancel);
  const reader = new ColumnsReader();
  const stream = body!.getReader();
  let since_ms = performance.now();
  for (let part = await stream.read(); !part.done; part = await stream.read()) {
    reader.push(part.value);
    if (performance.now() - since_ms < turn_ms) continue;
    await nextTurn(); // frames and keys do not wait for it
    since_ms = performance.now();
  }
  return reader.end();
}

export function getSites(): Promise<unknown> {
  return get("/api/v1/sites", {}, patience_ms);
}

export function getIncidents(): Promise<unknown> {
  return get("/api/v1/incidents", {}, patience_ms);
}

export function linkPath(link: Link): string {
  return `/api/v1/links/${encodeURIComponent(link.from)}/${encodeURIComponent(link.to)}`;
}

export function getLink(link: Link, query: Query): Promise<unknown> {
  return get(linkPath(link), query);
}

/** What stands below a link: series, histogram, profile, explain. */
export function getOfLink(link: Link, what: string, query: Query): Promise<unknown> {
  return get(`${linkPath(link)}/${what}`, query);
}

export function getDetours(query: Query): Promise<unknown> {
  return get("/api/v1/detours", query);
}

/** `site`: only what it takes part in; empty: all. */
export function getTimetable(site: string): Promise<unknown> {
  return get("/api/v1/timetable", site === "" ? {} : { site }, patience_large_ms);
}

export function getAudit(query: Query): Promise<unknown> {
  return get("/api/v1/timetable/audit", query);
}

/** What the matrix shows, as a file. */
export function matrixAddress(view: View): string {
  return address("/api/v1/matrix", { ...cellQuery(view), at: view.at, format: "csv" });
}

/** The course of a link's metric, as a file. */
export function seriesAddress(link: Link, view: View): string {
  return address(`${linkPath(link)}/series`, { metric: view.metric.name, window: view.back, at: view.at, format: "csv" });
}

export function resultsAddress(query: Query): string {
  return address("/api/v1/results", query);
}

/** One object for each run; lines that cannot be read are left out. */
export async function getResults(query: Query): Promise<unknown[]> {
  const text = await (await ask("/api/v1/results", query)).text();
  return text.split("\n").flatMap((line) => {
    try {
      return line === "" ? [] : [JSON.parse(line) as unknown];
    } catch {
      return [];
    }
  });
}

/** What changes something, which needs a token. */
async function change(method: "POST" | "DELETE", path: string, token: string, body?: unknown): Promise<unknown> {
  const response = await fetch(path, {
    method, cache: "no-store", signal: AbortSignal.timeout(patience_ms),
    headers: { "Authorization": `Bearer ${token}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await answerOf(response)).json();
}

/** "Measure this link now." */
export function postProbe(link: Link, probe: string, token: string): Promise<unknown> {
  return change("POST", "/api/v1/probes", token, { from: link.from, to: link.to, probe });
}

export function getSilences(): Promise<unknown> {
  return get("/api/v1/silences", {}, patience_ms);
}

export function postSilence(silence: Record<string, unknown>, token: string): Promise<unknown> {
  return change("POST", "/api/v1/silences", token, silence);
}

export function deleteSilence(id: string, token: string): Promise<unknown> {
  return change("DELETE", `/api/v1/silences/${encodeURIComponent(id)}`, token);
}

export function postAcknowledgement(incident: string, said: Record<string, string>, token: string): Promise<unknown> {
  return change("POST", `/api/v1/incidents/${encodeURIComponent(incident)}/acknowledge`, token, said);
}

export function deleteAcknowledgement(incident: string, token: string): Promise<unknown> {
  return change("DELETE", `/api/v1/incidents/${encodeURIComponent(incident)}/acknowledge`, token);
}

export function getProbe(id: string): Promise<unknown> {
  return get(`/api/v1/probes/${encodeURIComponent(id)}`, {}, patience_ms);
}
