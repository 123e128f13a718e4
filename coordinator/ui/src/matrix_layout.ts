// How large the cells are. One layout for 3 to 100 sites: only the size and what fits into it changes.

export interface Layout {
  cellWidth: number;
  cellHeight: number;
  gap: number;
  rowHead: number;
  columnHead: number;
  /** Column names stand on end where they would not fit side by side. */
  upright: boolean;
  /** The age is written into the cells, so they change every second. */
  ages: boolean;
}

const least_cell = 16;
const widest_cell = 640;

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

function heightFor(cellWidth: number): number {
  if (cellWidth >= 84) return clamp(cellWidth * 0.46, 64, 150);
  return cellWidth >= 27 ? clamp(cellWidth * 0.8, 26, 46) : cellWidth;
}

/** longestName: the widest site name in px, as the headers write it. */
export function layoutFor(available: number, columns: number, longestName: number): Layout {
  const rowHead = clamp(Math.ceil(longestName) + 36, 84, Math.max(92, Math.min(220, available * 0.26)));
  const cellWidth = clamp(Math.floor((available - rowHead) / Math.max(1, columns)), least_cell, widest_cell);
  const upright = longestName + 30 > cellWidth;
  return {
    cellWidth,
    cellHeight: Math.floor(heightFor(cellWidth)),
    gap: cellWidth >= 84 ? 6 : cellWidth >= 27 ? 3 : 2,
    rowHead,
    columnHead: upright ? clamp(Math.ceil(longestName) + 32, 56, 150) : 36,
    upright,
    ages: cellWidth >= 50,
  };
}
