// How large the cells are. One layout for 3 to 1,000 sites: only the size and what fits into it changes.

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
  /** Names are too small to read; the pointer tells them. */
  nameless: boolean;
}

const least_cell = 16;
const least_fitting_cell = 2;
/** From this size on a name can stand beside its row. */
const least_named = 11;
const widest_of_small = 2;
const widest_cell = 640;

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

function heightFor(cellWidth: number): number {
  if (cellWidth >= 84) return clamp(cellWidth * 0.46, 64, 150);
  return cellWidth >= 27 ? clamp(cellWidth * 0.8, 26, 46) : cellWidth;
}

function gapFor(cellWidth: number): number {
  if (cellWidth >= 84) return 6;
  if (cellWidth >= 27) return 3;
  return cellWidth >= 14 ? 2 : cellWidth >= 8 ? 1 : 0;
}

interface Room {
  width: number;
  height: number;
}

/** longestName: the widest site name in px, as the headers write it. `fit`: all rows and columns in sight. */
export function layoutFor(room: Room, columns: number, rows: number, longestName: number, fit = false): Layout {
  const rowHead = clamp(Math.ceil(longestName) + 36, 84, Math.max(92, Math.min(220, room.width * 0.26)));
  const wide = Math.floor((room.width - rowHead) / Math.max(1, columns));
  const upper = clamp(Math.ceil(longestName) + 32, 56, 150);
  const high = Math.floor((room.height - upper) / Math.max(1, rows));
  const fitting = clamp(wide < 27 || high < 26 ? Math.min(wide, high) : wide, least_fitting_cell, widest_cell);
  if (fit && fitting < least_named) return wholeMesh(room, columns, rows);
  const cellWidth = fit ? fitting : clamp(wide, least_cell, widest_cell);
  const upright = longestName + 30 > cellWidth;
  const usual = heightFor(cellWidth);
  return {
    cellWidth,
    cellHeight: Math.max(1, Math.floor(fit ? Math.min(usual, Math.max(high, least_named)) : usual)),
    gap: gapFor(cellWidth),
    rowHead,
    columnHead: upright ? upper : 40,
    upright,
    ages: cellWidth >= 50,
    nameless: false,
  };
}

/** Cells too small for names and signs: heads shrink, and cells are as wide as there is room, within what still reads as a matrix. */
function wholeMesh(room: Room, columns: number, rows: number): Layout {
  const head = { rowHead: 44, columnHead: 26 };
  const high = Math.max(1, Math.floor((room.height - head.columnHead) / Math.max(1, rows)));
  const wide = Math.max(1, Math.floor((room.width - head.rowHead) / Math.max(1, columns)));
  const cellHeight = Math.min(high, least_named);
  const cellWidth = Math.min(wide, Math.ceil(cellHeight * widest_of_small));
  return { ...head, cellWidth, cellHeight: Math.min(cellHeight, cellWidth), gap: gapFor(Math.min(cellWidth, cellHeight)), upright: false, ages: false, nameless: true };
}
