// Paints one cell: ground by band or state, value, age, and the signs that say the same without colour.
import { age as ageText, compact, quantity } from "./format";
import { drawBars, drawFew, drawHatch, drawState } from "./glyphs";
import { bandOf, hasBands, type Metric } from "./metrics";
import { isCurrent, stateTexts } from "./states";
import type { Theme } from "./theme";
import type { Cell } from "./types";

interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface PaintContext {
  c: CanvasRenderingContext2D;
  theme: Theme;
  metric: Metric;
  stat: string;
}

interface Ground {
  fill: string | null;
  ink: string;
  band: number | null;
}

function groundOf(p: PaintContext, cell: Cell): Ground {
  const { theme } = p;
  if (isCurrent(cell.state) && cell.value !== null) {
    const band = hasBands(p.stat) ? bandOf(p.metric, cell.value) : null;
    return { fill: band === null ? theme.neutral : theme.bands[band]!, ink: theme.onBand, band };
  }
  switch (cell.state) {
    case "down": return { fill: theme.down, ink: theme.onDown, band: null };
    case "agent_silent": return { fill: theme.silent, ink: theme.onSilent, band: null };
    case "unsynced": return { fill: theme.unsynced, ink: theme.onBand, band: null };
    case "never": case "none": return { fill: null, ink: theme.muted, band: null };
    default: return { fill: theme.past, ink: theme.muted, band: null };
  }
}

function roundedPath(c: CanvasRenderingContext2D, box: Box, radius: number): void {
  c.beginPath();
  c.roundRect(box.x, box.y, box.w, box.h, radius);
}

function paintGround(p: PaintContext, cell: Cell, ground: Ground, box: Box): void {
  const { c, theme } = p;
  const radius = Math.min(10, box.h * 0.14);
  c.save();
  roundedPath(c, box, radius);
  if (ground.fill !== null) {
    c.fillStyle = ground.fill;
    c.fill();
  } else if (cell.state === "never") {
    c.strokeStyle = theme.line;
    c.setLineDash([3, 3]);
    roundedPath(c, { x: box.x + 0.5, y: box.y + 0.5, w: box.w - 1, h: box.h - 1 }, radius);
    c.stroke();
  }
  if (cell.state === "stale" || cell.state === "paused") {
    roundedPath(c, box, radius);
    c.clip();
    drawHatch(c, box.x, box.y, box.w, box.h, theme.line);
  }
  c.restore();
  if (cell.state === "degraded") paintAlarm(p, box, radius);
}

function paintAlarm(p: PaintContext, box: Box, radius: number): void {
  const { c, theme } = p;
  const width = Math.min(4, Math.max(2, box.h * 0.04));
  c.save();
  c.strokeStyle = theme.alarm;
  c.lineWidth = width;
  const inset = width / 2;
  roundedPath(c, { x: box.x + inset, y: box.y + inset, w: box.w - width, h: box.h - width }, radius);
  c.stroke();
  c.restore();
}

function text(p: PaintContext, words: string, x: number, y: number, size: number, weight: number, ink: string): number {
  const { c } = p;
  c.font = `${weight} ${size}px ${p.theme.font}`;
  c.fillStyle = ink;
  c.fillText(words, x, y);
  return c.measureText(words).width;
}

/** Where there is room: number with unit in the middle, sign above, state, age and count below. */
function paintLarge(p: PaintContext, cell: Cell, ground: Ground, box: Box, age: number | null): void {
  const pad = Math.max(8, Math.min(14, box.h * 0.12));
  const size = Math.max(15, Math.min(40, box.h * 0.32, box.w * 0.17));
  const small = Math.max(10, Math.min(14, box.h * 0.14));
  const sign = small + 4;
  const middle = box.y + box.h / 2;
  p.c.textAlign = "left";
  p.c.textBaseline = "middle";
  paintSigns(p, cell, ground, { x: box.x + box.w - pad - sign / 2, y: box.y + pad + sign / 2, size: sign });
  const short = stateTexts[cell.state].short;
  if (cell.value === null) {
    text(p, short, box.x + pad, middle, Math.min(size, box.w / 6), 600, ground.ink);
  } else {
    const { number, unit } = quantity(cell.value, p.metric.unit);
    const width = text(p, number, box.x + pad, middle, size, 600, ground.ink);
    text(p, unit, box.x + pad + width + size * 0.2, middle + size * 0.12, size * 0.55, 400, ground.ink);
    if (short !== "") text(p, short, box.x + pad, box.y + pad + sign / 2, small, 600, ground.ink);
  }
  const note = age === null ? "" : `${ageText(age)} ago`;
  text(p, note, box.x + pad, box.y + box.h - pad - small / 2, small, 400, ground.ink);
}

function paintSigns(p: PaintContext, cell: Cell, ground: Ground, at: { x: number; y: number; size: number }): void {
  const { c } = p;
  if (ground.band !== null) drawBars(c, ground.band, at.x, at.y, at.size, ground.ink);
  if (cell.state === "ok" || cell.state === "degraded") {
    const left = at.x - at.size * (ground.band === null ? 0 : 1.5);
    if (cell.state === "degraded") drawState(c, "degraded", left, at.y, at.size, ground.ink);
    else if (cell.few === true) drawFew(c, left, at.y + at.size * 0.35, at.size, ground.ink);
  } else {
    drawState(c, cell.state, at.x, at.y, at.size, ground.ink);
  }
}

/** A short number, and below it the sign and (with room) the age. */
function paintMedium(p: PaintContext, cell: Cell, ground: Ground, box: Box, age: number | null): void {
  const { c } = p;
  const x = box.x + box.w / 2;
  if (cell.value === null) {
    drawState(c, cell.state, x, box.y + box.h / 2, Math.min(18, box.h * 0.45), ground.ink);
    return;
  }
  c.textAlign = "center";
  c.textBaseline = "middle";
  const words = compact(cell.value, p.metric.unit);
  const size = Math.max(8, Math.min(15, box.h * 0.36, box.w * 0.36, (box.w * 1.28) / words.length));
  text(p, words, x, box.y + box.h * 0.36, size, 600, ground.ink);
  const below = box.y + box.h * 0.75;
  const roomForAge = age !== null && box.w >= 50;
  if (roomForAge) text(p, ageText(age), x - box.w * 0.1, below, 9, 400, ground.ink);
  const few = cell.few === true && isCurrent(cell.state);
  const sign = Math.min(12, box.h * 0.3);
  const at = { x: x + (roomForAge ? box.w * 0.26 : few ? sign * 0.75 : 0), y: below };
  if (cell.state === "ok" && ground.band !== null) drawBars(c, ground.band, at.x, at.y, sign, ground.ink);
  else drawState(c, cell.state, at.x, at.y, sign, ground.ink);
  if (few) drawFew(c, roomForAge ? box.x + box.w - 9 : x - sign * 0.75, roomForAge ? box.y + 6 : below, sign, ground.ink);
}

function paintSmall(p: PaintContext, cell: Cell, ground: Ground, box: Box): void {
  const x = box.x + box.w / 2;
  const y = box.y + box.h / 2;
  const size = box.h * 0.62;
  if (cell.state === "ok" && ground.band !== null) {
    drawBars(p.c, ground.band, x, cell.few === true ? y + box.h * 0.08 : y, size, ground.ink);
    if (cell.few === true) drawFew(p.c, x - box.w * 0.12, box.y + box.h * 0.17, size * 0.62, ground.ink);
  } else {
    drawState(p.c, cell.state, x, y, size, ground.ink);
  }
}

export function paintCell(p: PaintContext, cell: Cell, box: Box, age: number | null): void {
  const ground = groundOf(p, cell);
  paintGround(p, cell, ground, box);
  if (box.w >= 84 && box.h >= 54) paintLarge(p, cell, ground, box, age);
  else if (box.w >= 27) paintMedium(p, cell, ground, box, age);
  else paintSmall(p, cell, ground, box);
}
