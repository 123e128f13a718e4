// Signs that say the same as the colours do. Each is drawn into the square around (x, y) with the given size.
import type { CellState } from "../model/types";

type Context = CanvasRenderingContext2D;
type Draw = (c: Context, x: number, y: number, r: number) => void;

/** Rising bars, as a telephone shows its signal: five full ones are the best band. */
export function drawBars(c: Context, band: number, x: number, y: number, size: number, colour: string): void {
  const full = 5 - band;
  const step = size / 5;
  const width = Math.max(1, step * 0.66);
  c.save();
  c.fillStyle = colour;
  for (let i = 0; i < 5; i += 1) {
    const height = size * (0.28 + 0.16 * i);
    c.globalAlpha = i < full ? 1 : 0.22;
    c.fillRect(x - size / 2 + i * step, y + size / 2 - height, width, height);
  }
  c.restore();
}

/** One or two arrow heads up (better) or down (worse); two lines in the middle: as it was. */
export function drawArrows(c: Context, band: number, x: number, y: number, size: number, colour: string): void {
  const r = size / 2;
  c.save();
  c.strokeStyle = colour;
  c.lineWidth = Math.max(1, size * 0.15);
  if (band === 2) lines(c, [x - r, y - r * 0.35, x + r, y - r * 0.35], [x - r, y + r * 0.35, x + r, y + r * 0.35]);
  const up = band < 2 ? -1 : 1;
  const heads = band === 2 ? [] : band === 0 || band === 4 ? [-0.45, 0.45] : [0];
  for (const head of heads) {
    const top = y + head * r + up * r * 0.4;
    const foot = y + head * r - up * r * 0.4;
    lines(c, [x - r, foot, x, top], [x, top, x + r, foot]);
  }
  c.restore();
}

/** A question: there is a value, and nothing to judge it by. */
export function drawUnjudged(c: Context, x: number, y: number, size: number, colour: string): void {
  c.save();
  c.fillStyle = colour;
  c.font = `600 ${Math.max(7, size)}px sans-serif`;
  c.textAlign = "center";
  c.textBaseline = "middle";
  c.fillText("?", x, y);
  c.restore();
}

/** Corners around a cell: an open incident explains it. */
export function drawCorners(c: Context, x: number, y: number, w: number, h: number, colour: string): void {
  const arm = Math.max(3, Math.min(12, w * 0.28, h * 0.28));
  c.save();
  c.strokeStyle = colour;
  c.lineWidth = w >= 27 ? 2.5 : 2;
  c.beginPath();
  for (const [cx, cy, dx, dy] of [[x, y, 1, 1], [x + w, y, -1, 1], [x, y + h, 1, -1], [x + w, y + h, -1, -1]] as const) {
    c.moveTo(cx + dx * arm, cy);
    c.lineTo(cx, cy);
    c.lineTo(cx, cy + dy * arm);
  }
  c.stroke();
  c.restore();
}

function lines(c: Context, ...points: [number, number, number, number][]): void {
  c.beginPath();
  for (const [x1, y1, x2, y2] of points) {
    c.moveTo(x1, y1);
    c.lineTo(x2, y2);
  }
  c.stroke();
}

const cross: Draw = (c, x, y, r) => lines(c, [x - r, y - r, x + r, y + r], [x - r, y + r, x + r, y - r]);

const clock: Draw = (c, x, y, r) => {
  c.beginPath();
  c.arc(x, y, r, 0, 2 * Math.PI);
  c.stroke();
  lines(c, [x, y - r * 0.6, x, y], [x, y, x + r * 0.5, y]);
};

const moon: Draw = (c, x, y, r) => {
  c.beginPath();
  c.arc(x, y, r, Math.PI * 0.35, Math.PI * 1.65);
  c.quadraticCurveTo(x - r * 0.5, y, x + r * Math.cos(Math.PI * 0.35), y + r * Math.sin(Math.PI * 0.35));
  c.closePath();
  c.fill();
};

const ring: Draw = (c, x, y, r) => {
  c.setLineDash([r * 0.6, r * 0.45]);
  c.beginPath();
  c.arc(x, y, r * 0.85, 0, 2 * Math.PI);
  c.stroke();
};

const pause: Draw = (c, x, y, r) => lines(c, [x - r * 0.45, y - r * 0.8, x - r * 0.45, y + r * 0.8],
  [x + r * 0.45, y - r * 0.8, x + r * 0.45, y + r * 0.8]);

const dash: Draw = (c, x, y, r) => lines(c, [x - r * 0.6, y, x + r * 0.6, y]);

const unequal: Draw = (c, x, y, r) => lines(c, [x - r, y - r * 0.35, x + r, y - r * 0.35],
  [x - r, y + r * 0.35, x + r, y + r * 0.35], [x - r * 0.5, y + r, x + r * 0.5, y - r]);

const warning: Draw = (c, x, y, r) => {
  c.beginPath();
  c.moveTo(x, y - r);
  c.lineTo(x + r * 1.1, y + r * 0.85);
  c.lineTo(x - r * 1.1, y + r * 0.85);
  c.closePath();
  c.stroke();
  lines(c, [x, y - r * 0.25, x, y + r * 0.2], [x, y + r * 0.5, x, y + r * 0.55]);
};

const nothing: Draw = () => undefined;

const draws: Record<CellState, Draw> = {
  ok: nothing, degraded: warning, unsynced: unequal, stale: clock, down: cross,
  agent_silent: moon, paused: pause, never: ring, none: dash,
};

export function drawState(c: Context, state: CellState, x: number, y: number, size: number, colour: string): void {
  c.save();
  c.strokeStyle = colour;
  c.fillStyle = colour;
  c.lineCap = "round";
  c.lineJoin = "round";
  c.lineWidth = Math.max(1, size * (state === "down" || state === "paused" ? 0.17 : 0.11));
  draws[state](c, x, y, size / 2 - c.lineWidth / 2);
  c.restore();
}

/** Three dots: fewer than 20 samples. */
export function drawFew(c: Context, x: number, y: number, size: number, colour: string): void {
  c.save();
  c.fillStyle = colour;
  for (const offset of [-1, 0, 1]) {
    c.beginPath();
    c.arc(x + offset * size * 0.36, y, Math.max(0.8, size * 0.11), 0, 2 * Math.PI);
    c.fill();
  }
  c.restore();
}

/** Slanting lines over a rectangle: the value below is not of the present. */
export function drawHatch(c: Context, x: number, y: number, w: number, h: number, colour: string): void {
  const gap = 6;
  c.save();
  c.beginPath();
  c.rect(x, y, w, h);
  c.clip();
  c.strokeStyle = colour;
  c.lineWidth = 1;
  c.beginPath();
  for (let offset = -h; offset < w; offset += gap) {
    c.moveTo(x + offset, y + h);
    c.lineTo(x + offset + h, y);
  }
  c.stroke();
  c.restore();
}
