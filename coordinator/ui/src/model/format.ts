// Numbers as people read them: three significant digits and a unit.
import type { Unit } from "./types";

interface Quantity {
  number: string;
  unit: string;
}

interface Scale {
  unit: string;
  factor: number;
}

const seconds: readonly Scale[] = [{ unit: "µs", factor: 1e6 }, { unit: "ms", factor: 1e3 }, { unit: "s", factor: 1 }];
const rates: readonly Scale[] = [
  { unit: "bit/s", factor: 1 }, { unit: "kbit/s", factor: 1e-3 },
  { unit: "Mbit/s", factor: 1e-6 }, { unit: "Gbit/s", factor: 1e-9 },
];
const percent: readonly Scale[] = [{ unit: "%", factor: 100 }];
const plain: readonly Scale[] = [{ unit: "", factor: 1 }];

function scalesOf(unit: Unit): readonly Scale[] {
  if (unit === "s") return seconds;
  if (unit === "bit/s") return rates;
  return unit === "ratio" ? percent : plain;
}

/** The largest unit in which the value is at least 1; 999.6 us is already 1.00 ms. */
function scaleFor(value: number, unit: Unit): Scale {
  const scales = scalesOf(unit);
  const fits = scales.filter((scale) => Math.abs(value) * scale.factor >= 0.9995);
  const least = scales.reduce((a, b) => (a.factor > b.factor ? a : b));
  if (value === 0) return unit === "s" ? { unit: "ms", factor: 1e3 } : least;
  return fits.length === 0 ? least : fits.reduce((a, b) => (a.factor < b.factor ? a : b));
}

function digits(x: number): string {
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 10000) return `${(x / 1000).toFixed(size >= 100000 ? 0 : 1)}k`;
  if (size >= 99.95) return x.toFixed(0);
  if (size >= 9.995) return x.toFixed(1);
  return size < 0.005 ? x.toPrecision(1) : x.toFixed(2);
}

export function quantity(value: number, unit: Unit): Quantity {
  const scale = scaleFor(value, unit);
  const scaled = value * scale.factor;
  const whole = (unit === "1" || unit === "ratio") && Number.isInteger(scaled) && Math.abs(scaled) < 10000;
  return { number: whole ? String(scaled) : digits(scaled), unit: scale.unit };
}

export function inWords(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined) return "–";
  const { number, unit: shown } = quantity(value, unit);
  return shown === "" ? number : `${number} ${shown}`;
}

function short(x: number): string {
  const size = Math.abs(x);
  if (x === 0 || size >= 9.95) return x.toFixed(0);
  if (size >= 0.95) return x.toFixed(1).replace(/\.0$/, "");
  return size < 0.005 ? "<.01" : x.toFixed(2).replace(/^(-?)0/, "$1");
}

/** At most four characters: times in ms unless marked s, rates with k, M or G, ratios in per cent. */
export function compact(value: number, unit: Unit): string {
  if (unit === "s") return value < 0.995 ? short(value * 1000) : `${short(value)}s`;
  if (unit === "bit/s") {
    const scale = scaleFor(value, unit);
    return short(value * scale.factor) + scale.unit.replace(/bit\/s$/, "");
  }
  if (unit === "ratio") return short(value * 100);
  return value >= 995 ? `${short(value / 1000)}k` : short(value);
}

/** A difference, with its sign: +1.20 ms. */
export function signedWords(value: number, unit: Unit): string {
  return `${value < 0 ? "−" : value > 0 ? "+" : "±"}${inWords(Math.abs(value), unit)}`;
}

export function signedCompact(value: number, unit: Unit): string {
  return `${value < 0 ? "−" : value > 0 ? "+" : ""}${compact(Math.abs(value), unit)}`;
}

/** A round number, as a bound is: 10 ms, not 10.0 ms. */
export function bound(value: number, unit: Unit): string {
  const scale = scaleFor(value, unit);
  return `${Number((value * scale.factor).toPrecision(4))} ${scale.unit}`.trim();
}

export function age(seconds: number | null): string {
  if (seconds === null) return "";
  const s = Math.max(0, seconds);
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

export function clockTime(at: Date): string {
  return at.toLocaleTimeString("en-GB", { hour12: false });
}

/** "21 Nov 14:05:12", in the reader's time zone. */
export function dayTime(at_ms: number): string {
  const at = new Date(at_ms);
  return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${clockTime(at)}`;
}

/** Octets as people read them: 12.3 MB. */
export function octets(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let power = 0;
  while (power < units.length - 1 && n >= 999.5 * 1000 ** power) power += 1;
  return `${digits(n / 1000 ** power)} ${units[power]}`;
}

export function count(n: number): string {
  return n.toLocaleString("en").replace(/,/g, "\u202f");
}
