// Where a key leads in the matrix. Places without a cell (the diagonal) are stepped over.

export interface Place {
  row: number;
  column: number;
}

const steps: Record<string, Place> = {
  ArrowUp: { row: -1, column: 0 }, ArrowDown: { row: 1, column: 0 },
  ArrowLeft: { row: 0, column: -1 }, ArrowRight: { row: 0, column: 1 },
};

function startOf(at: Place, key: string, last: Place): { place: Place; step: Place } | null {
  switch (key) {
    case "Home": return { place: { row: at.row, column: 0 }, step: steps.ArrowRight! };
    case "End": return { place: { row: at.row, column: last.column }, step: steps.ArrowLeft! };
    case "PageUp": return { place: { row: 0, column: at.column }, step: steps.ArrowDown! };
    case "PageDown": return { place: { row: last.row, column: at.column }, step: steps.ArrowUp! };
    default: break;
  }
  const step = steps[key];
  return step ? { place: { row: at.row + step.row, column: at.column + step.column }, step } : null;
}

/** Beside the diagonal of a small matrix nothing lies straight on: then the nearest cell of the next row or column. */
function nearestInNext(at: Place, step: Place, last: Place, hasCell: (place: Place) => boolean): Place {
  const length = Math.max(last.row, last.column);
  for (let off = 1; off <= length; off += 1) {
    for (const side of [-off, off]) {
      const place = step.row !== 0
        ? { row: at.row + step.row, column: at.column + side } : { row: at.row + side, column: at.column + step.column };
      if (hasCell(place)) return place;
    }
  }
  return at;
}

/** null: the key does not walk. At an edge the place stays as it is. */
export function walk(at: Place, key: string, last: Place, hasCell: (place: Place) => boolean): Place | null {
  const start = startOf(at, key, last);
  if (!start) return null;
  let { row, column } = start.place;
  while (row >= 0 && column >= 0 && row <= last.row && column <= last.column) {
    if (hasCell({ row, column })) return { row, column };
    row += start.step.row;
    column += start.step.column;
  }
  return key in steps ? nearestInNext(at, start.step, last, hasCell) : at;
}
