// GET requests to the coordinator that served this page.
import type { Link, MatrixAnswer } from "./types";
import type { View } from "./view_state";

const patience_ms = 8000;

/** The coordinator answered, and said no. Its text is shown to the reader. */
export class Refused extends Error {}

async function get<Answer>(path: string): Promise<Answer> {
  const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(patience_ms) });
  if (response.ok) return (await response.json()) as Answer;
  if (response.status >= 500) throw new Error(`status ${response.status}`);
  const body = (await response.json().catch(() => ({}))) as { error?: unknown };
  throw new Refused(typeof body.error === "string" ? body.error : `status ${response.status}`);
}

export function query(view: View): string {
  return new URLSearchParams({ metric: view.metric.name, stat: view.stat, window: view.window }).toString();
}

export function getMatrix(view: View): Promise<MatrixAnswer> {
  return get<MatrixAnswer>(`/api/v1/matrix?${query(view)}`);
}

export function getSites(): Promise<unknown> {
  return get<unknown>("/api/v1/sites");
}

export function getLink(link: Link): Promise<unknown> {
  return get<unknown>(`/api/v1/links/${encodeURIComponent(link.from)}/${encodeURIComponent(link.to)}`);
}
