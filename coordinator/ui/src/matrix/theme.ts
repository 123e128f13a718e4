// The colours that the canvas needs, read from the style sheet, so that light and dark are defined in one place.

export interface Theme {
  page: string;
  surface: string;
  ink: string;
  muted: string;
  line: string;
  hair: string;
  accent: string;
  /** Text on a band's colour. */
  onBand: string;
  bands: string[];
  /** From much better to much worse; the middle is quiet. */
  changes: string[];
  /** Corners around cells that an open incident explains. */
  incident: string;
  /** The two directions of a link in its charts, and a third series. */
  there: string;
  back: string;
  third: string;
  /** The ground of a course: p5 to p95. */
  band: string;
  neutral: string;
  down: string;
  onDown: string;
  silent: string;
  onSilent: string;
  unsynced: string;
  past: string;
  alarm: string;
  font: string;
  /** Of the names along the matrix; "13px". */
  headSize: string;
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    page: read("page"),
    surface: read("surface"),
    ink: read("ink"),
    muted: read("muted"),
    line: read("line"),
    hair: read("hair"),
    accent: read("accent"),
    onBand: read("on-band"),
    bands: [0, 1, 2, 3, 4].map((i) => read(`band-${i}`)),
    changes: [0, 1, 2, 3, 4].map((i) => read(`change-${i}`)),
    incident: read("incident"),
    there: read("there"),
    back: read("back"),
    third: read("third"),
    band: read("smoke"),
    neutral: read("neutral"),
    down: read("down"),
    onDown: read("on-down"),
    silent: read("silent"),
    onSilent: read("on-silent"),
    unsynced: read("unsynced"),
    past: read("past"),
    alarm: read("alarm"),
    font: read("font"),
    headSize: read("head-size"),
  };
}

const watchers: (() => void)[] = [];

function tell(): void {
  for (const watcher of watchers) watcher();
}

/** On paper everything is light, and nothing is out of sight. */
export function isPrinting(): boolean {
  return "print" in document.documentElement.dataset;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
window.addEventListener("beforeprint", () => {
  document.documentElement.dataset.print = "";
  tell();
});
window.addEventListener("afterprint", () => {
  delete document.documentElement.dataset.print;
  tell();
});

/** Calls back, before the next frame, when light becomes dark or the other way round, and around printing. */
export function watchTheme(onChange: () => void): void {
  watchers.push(onChange);
}
