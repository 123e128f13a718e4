// Great circles, and the time that light needs along them.

export type Place = readonly [latitude: number, longitude: number];

const earth_m = 6371008.8;
/** As GET /links/FROM/TO has it: c / 1.468, the group index of common single-mode fibre. */
const fibre_m_s = 299792458 / 1.468;

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

/** The angle between two places, in radians (haversine). */
export function angle(a: Place, b: Place): number {
  const half = (x: number): number => Math.sin(x / 2) ** 2;
  const [la, lb] = [radians(a[0]), radians(b[0])];
  const h = half(lb - la) + Math.cos(la) * Math.cos(lb) * half(radians(b[1] - a[1]));
  return 2 * Math.asin(Math.min(1, Math.sqrt(h)));
}

export function distance_m(a: Place, b: Place): number {
  return earth_m * angle(a, b);
}

/** The least one-way time in fibre, seconds. */
export function fibre_s(a: Place, b: Place): number {
  return distance_m(a, b) / fibre_m_s;
}

/** Points on the great circle from a to b, both ends among them. */
export function greatCircle(a: Place, b: Place, steps: number): Place[] {
  const whole = angle(a, b);
  if (whole < 1e-9) return [a, b];
  const vector = (place: Place): [number, number, number] => {
    const [latitude, longitude] = [radians(place[0]), radians(place[1])];
    return [Math.cos(latitude) * Math.cos(longitude), Math.cos(latitude) * Math.sin(longitude), Math.sin(latitude)];
  };
  const [p, q] = [vector(a), vector(b)];
  return Array.from({ length: steps + 1 }, (_, i) => {
    const [s, t] = [Math.sin((1 - i / steps) * whole) / Math.sin(whole), Math.sin((i / steps) * whole) / Math.sin(whole)];
    const [x, y, z] = [s * p[0] + t * q[0], s * p[1] + t * q[1], s * p[2] + t * q[2]];
    return [(Math.atan2(z, Math.hypot(x, y)) * 180) / Math.PI, (Math.atan2(y, x) * 180) / Math.PI] as const;
  });
}
