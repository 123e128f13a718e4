// Paints one cell: ground by band or state, value, age, and the signs that say the same without colour.
import { age as ageText, compact, inWords, quantity, signedCompact, signedWords } from "../model/format";
import type { Sign, Verdict } from "../model/judge";
import { isCurrent, stateTexts } from "../model/states";
import type { CellState } from "../model/types";
import { drawArrows, drawBars, drawCorners, drawFew, drawHatch, drawState, drawUnjudged } from "./glyphs";
import type { Theme } from "./theme";

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** All that can be seen of a cell. */
export interface Look {
  state: CellState;
  verdict: Verdict;
  sign: Sign;
  few: boolean;
  age: number | null;
  /** An open incident explains it. */
  marked: boolean;
}

export interface PaintContext {
  c: CanvasRenderingContext2D;
  theme: Theme;
}

interface Ground {
  fill: string | null;
  ink: string;
}

function groundOf(theme: Theme, look: Look): Ground {
  const { band } = look.verdict;
  if (isCurrent(look.state)) {
    const fills = look.sign === "arrows" ? theme.changes : theme.bands;
    return { fill: band < 0 ? theme.neutral : fills[band]!, ink: theme.onBand };
  }
  switch (look.state) {
    case "down": return { fill: theme.down, ink: theme.onDown };
    case "agent_silent": return { fill: theme.silent, ink: theme.onSilent };
    case "unsynced": return { fill: theme.unsynced, ink: theme.onBand };
    case "never": case "none": return { fill: null, ink: theme.muted };
    default: return { fill: theme.past, ink: theme.muted };
  }
}

function roundedPath(c: CanvasRenderingContext2D, box: Box, radius: number): void {
  c.beginPath();
  c.roundRect(box.x, box.y, box.w, box.h, radius);
}

function paintGround(p: PaintContext, look: Look, ground: Ground, box: Box): void {
  const { c, theme } = p;
  const radius = Math.min(10, box.h * 0.14);
  c.save();
  roundedPath(c, box, radius);
  if (ground.fill !== null) {
    c.fillStyle = ground.fill;
    c.fill();
  } else if (look.state === "never" && box.w < room_for_dashes) {
    c.fillStyle = theme.line; // the whole mesh in sight: no paper where something ought to be measured
    c.fill();
  } else if (look.state === "never") {
    c.strokeStyle = theme.line;
    c.setLineDash([3, 3]);
    roundedPath(c, { x: box.x + 0.5, y: box.y + 0.5, w: box.w - 1, h: box.h - 1 }, radius);
    c.stroke();
  }
  if (look.state === "stale" || look.state === "paused") {
    roundedPath(c, box, radius);
    c.clip();
    drawHatch(c, box.x, box.y, box.w, box.h, theme.line);
  }
  c.restore();
  if (look.state === "degraded") paintAlarm(p, box, radius);
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

function drawBand(c: CanvasRenderingContext2D, look: Look, x: number, y: number, size: number, ink: string): void {
  const { band } = look.verdict;
  if (band < 0) drawUnjudged(c, x, y, size, ink);
  else if (look.sign === "arrows") drawArrows(c, band, x, y, size * 0.8, ink);
  else drawBars(c, band, x, y, size, ink);
}

/** Where there is room: number with unit in the middle, sign above, state, age and count below. */
function paintLarge(p: PaintContext, look: Look, ground: Ground, box: Box): void {
  const { verdict } = look;
  const pad = Math.max(8, Math.min(14, box.h * 0.12));
  const size = Math.max(15, Math.min(40, box.h * 0.32, box.w * 0.17));
  const small = Math.max(10, Math.min(13, box.h * 0.14));
  const sign = small + 4;
  const middle = box.y + box.h / 2;
  p.c.textAlign = "left";
  p.c.textBaseline = "middle";
  paintSigns(p, look, ground, { x: box.x + box.w - pad - sign / 2, y: box.y + pad + sign / 2, size: sign });
  const short = stateTexts[look.state].short;
  if (Number.isNaN(verdict.shown)) {
    text(p, short, box.x + pad, middle, Math.min(size, box.w / 6), 600, ground.ink);
  } else {
    const { number, unit } = quantity(Math.abs(verdict.shown), verdict.unit);
    const mark = !verdict.signed || verdict.shown === 0 ? "" : verdict.shown < 0 ? "−" : "+";
    const width = text(p, mark + number, box.x + pad, middle, size, 600, ground.ink);
    text(p, unit, box.x + pad + width + size * 0.2, middle + size * 0.12, size * 0.55, 400, ground.ink);
    if (short !== "") text(p, short, box.x + pad, box.y + pad + sign / 2, small, 600, ground.ink);
  }
  const note = look.age === null ? "" : `${ageText(look.age)} ago`;
  text(p, note, box.x + pad, box.y + box.h - pad - small / 2, small, 400, ground.ink);
}

function paintSigns(p: PaintContext, look: Look, ground: Ground, at: { x: number; y: number; size: number }): void {
  const { c } = p;
  if (!isCurrent(look.state)) {
    drawState(c, look.state, at.x, at.y, at.size, ground.ink);
    return;
  }
  drawBand(c, look, at.x, at.y, at.size, ground.ink);
  const left = at.x - at.size * 1.5;
  if (look.state === "degraded") drawState(c, "degraded", left, at.y, at.size, ground.ink);
  else if (look.few) drawFew(c, left, at.y + at.size * 0.35, at.size, ground.ink);
}

/** A short number, and below it the sign and (with room) the age. */
function paintMedium(p: PaintContext, look: Look, ground: Ground, box: Box): void {
  const { c } = p;
  const { verdict } = look;
  const x = box.x + box.w / 2;
  if (Number.isNaN(verdict.shown)) {
    const size = Math.min(18, box.h * 0.45);
    if (isCurrent(look.state)) drawBand(c, look, x, box.y + box.h / 2, size, ground.ink);
    else drawState(c, look.state, x, box.y + box.h / 2, size, ground.ink);
    return;
  }
  c.textAlign = "center";
  c.textBaseline = "middle";
  const words = verdict.signed ? signedCompact(verdict.shown, verdict.unit) : compact(verdict.shown, verdict.unit);
  const size = Math.max(8, Math.min(15, box.h * 0.36, box.w * 0.36, (box.w * 1.28) / words.length));
  text(p, words, x, box.y + box.h * 0.36, size, 600, ground.ink);
  const below = box.y + box.h * 0.75;
  const roomForAge = look.age !== null && box.w >= 50;
  if (roomForAge) text(p, ageText(look.age), x - box.w * 0.1, below, 9, 400, ground.ink);
  const few = look.few && isCurrent(look.state);
  const sign = Math.min(12, box.h * 0.3);
  const at = { x: x + (roomForAge ? box.w * 0.26 : few ? sign * 0.75 : 0), y: below };
  if (look.state === "ok") drawBand(c, look, at.x, at.y, sign, ground.ink);
  else drawState(c, look.state, at.x, at.y, sign, ground.ink);
  if (few) drawFew(c, roomForAge ? box.x + box.w - 9 : x - sign * 0.75, roomForAge ? box.y + 6 : below, sign, ground.ink);
}

function paintSmall(p: PaintContext, look: Look, ground: Ground, box: Box): void {
  const x = box.x + box.w / 2;
  const y = box.y + box.h / 2;
  const size = box.h * 0.62;
  if (look.state === "ok") {
    drawBand(p.c, look, x, look.few ? y + box.h * 0.08 : y, size, ground.ink);
    if (look.few) drawFew(p.c, x - box.w * 0.12, box.y + box.h * 0.17, size * 0.62, ground.ink);
  } else {
    drawState(p.c, look.state, x, y, size, ground.ink);
  }
}

/** A cell narrower than this has no room for a dashed outline, px. */
const room_for_dashes = 5;
/** From this width on a cell shows its number. */
export const width_of_numbers = 27;

export function paintCell(p: PaintContext, look: Look, box: Box): void {
  const ground = groundOf(p.theme, look);
  paintGround(p, look, ground, box);
  if (box.w >= 84 && box.h >= 54) paintLarge(p, look, ground, box);
  else if (box.w >= width_of_numbers) paintMedium(p, look, ground, box);
  else if (Math.min(box.w, box.h) >= 7) paintSmall(p, look, ground, box);
  if (look.marked) drawCorners(p.c, box.x, box.y, box.w, box.h, p.theme.incident);
}

function paintHalf(p: PaintContext, look: Look, box: Box, upper: boolean): void {
  const { c } = p;
  const { x, y, w, h } = box;
  const ground = groundOf(p.theme, look);
  c.save();
  c.beginPath();
  c.moveTo(upper ? x : x + w, upper ? y : y + h);
  c.lineTo(x + w, y);
  c.lineTo(x, y + h);
  c.closePath();
  c.clip();
  paintGround(p, look, ground, box);
  c.restore();
  const size = Math.min(14, w * 0.32, h * 0.34);
  const at = { x: x + w * (upper ? 0.27 : 0.73), y: y + h * (upper ? 0.3 : 0.7) };
  if (!Number.isNaN(look.verdict.shown) && w >= 50) {
    c.textAlign = upper ? "left" : "right";
    c.textBaseline = "middle";
    const words = w >= 140 ? inWords(look.verdict.shown, look.verdict.unit) : compact(look.verdict.shown, look.verdict.unit);
    const edge = upper ? x + Math.max(4, w * 0.05) : x + w - Math.max(4, w * 0.05);
    const width = text(p, upper ? `→ ${words}` : `← ${words}`, edge, y + h * (upper ? 0.24 : 0.76), Math.min(19, h * 0.21, w * 0.13), 600, ground.ink);
    at.x = upper ? edge + width + size : edge - width - size;
    at.y = y + h * (upper ? 0.24 : 0.76);
  }
  if (Math.min(w, h) < 7) return;
  if (look.state === "ok") drawBand(c, look, at.x, at.y, size, ground.ink);
  else drawState(c, look.state, at.x, at.y, size, ground.ink);
}

/** Above the diagonal from -> to, below it the way back. */
export function paintSplit(p: PaintContext, there: Look, back: Look | null, box: Box): void {
  paintHalf(p, there, box, true);
  if (back) paintHalf(p, back, box, false);
  if (there.marked || back?.marked) drawCorners(p.c, box.x, box.y, box.w, box.h, p.theme.incident);
}

/** What of a look can be seen in a cell without a number; equal keys look the same. */
export function smallKey(look: Look): string {
  return `${look.state} ${look.verdict.band} ${look.sign} ${look.few} ${look.marked}`;
}

export function shownWords(verdict: Verdict): string {
  if (Number.isNaN(verdict.shown)) return "–";
  return verdict.signed ? signedWords(verdict.shown, verdict.unit) : inWords(verdict.shown, verdict.unit);
}
