// Where a place lies on the map: latitudes and longitudes as equal steps, narrowed by the middle latitude. Pure.
import type { Place } from "./geo";

export interface Projection {
  point(place: Place): readonly [x: number, y: number];
}

const least_span = 4;
const margin = 0.14;

/** Fits all places into width x height. Without any: the whole world. */
export function projectionFor(places: readonly Place[], width: number, height: number): Projection {
  const latitudes = places.length === 0 ? [-60, 75] : places.map((place) => place[0]);
  const longitudes = places.length === 0 ? [-180, 180] : places.map((place) => place[1]);
  const middle = (values: number[]): number => (Math.min(...values) + Math.max(...values)) / 2;
  const span = (values: number[]): number => Math.max(least_span, Math.max(...values) - Math.min(...values)) * (1 + 2 * margin);
  const [latitude, longitude] = [middle(latitudes), middle(longitudes)];
  const narrow = Math.max(0.2, Math.cos((latitude * Math.PI) / 180));
  const scale = Math.min(width / (span(longitudes) * narrow), height / span(latitudes));
  return {
    point: (place) => [width / 2 + (place[1] - longitude) * narrow * scale, height / 2 - (place[0] - latitude) * scale],
  };
}
