// The colours that the canvas needs, read from the style sheet, so that light and dark are defined in one place.

export interface Theme {
  surface: string;
  ink: string;
  muted: string;
  line: string;
  accent: string;
  /** Text on a band's colour. */
  onBand: string;
  bands: string[];
  neutral: string;
  down: string;
  onDown: string;
  silent: string;
  onSilent: string;
  unsynced: string;
  past: string;
  alarm: string;
  font: string;
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    surface: read("surface"),
    ink: read("ink"),
    muted: read("muted"),
    line: read("line"),
    accent: read("accent"),
    onBand: read("on-band"),
    bands: [0, 1, 2, 3, 4].map((i) => read(`band-${i}`)),
    neutral: read("neutral"),
    down: read("down"),
    onDown: read("on-down"),
    silent: read("silent"),
    onSilent: read("on-silent"),
    unsynced: read("unsynced"),
    past: read("past"),
    alarm: read("alarm"),
    font: read("font"),
  };
}
