// Looks for sites by what somebody types: parts of names, in any case and without accents; two of them are a link. Pure.
import type { Link } from "./types";

export type Found = { kind: "site"; site: string } | { kind: "link"; link: Link };

function plain(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** The names that contain the text: first the one that is it, then those that begin with it, then the others; each as configured. */
function matching(names: readonly string[], text: string): string[] {
  const wanted = plain(text);
  const rank = (name: string): number => {
    const at = plain(name).indexOf(wanted);
    return at < 0 ? -1 : at > 0 ? 1 : plain(name) === wanted ? 3 : 2;
  };
  return names.map((name, i) => ({ name, i, rank: rank(name) })).filter((one) => one.rank > 0)
    .sort((a, b) => b.rank - a.rank || a.i - b.i).map((one) => one.name);
}

const arrow = /\s*(?:→|->|⇄|>|,|\s)\s*/u;

/** What the text may mean, the likeliest first. */
export function find(names: readonly string[], text: string, most: number): Found[] {
  const words = text.trim();
  if (words === "") return [];
  const sites: Found[] = matching(names, words).slice(0, most).map((site) => ({ kind: "site", site }));
  if (sites.length > 0) return sites;
  const found: Found[] = [];
  // A name may hold what parts two names: every place where they can be parted is tried.
  for (const match of words.matchAll(new RegExp(arrow, "gu"))) {
    const [from, to] = [words.slice(0, match.index), words.slice(match.index + match[0].length)];
    if (from === "" || to === "") continue;
    for (const a of matching(names, from).slice(0, 3))
      for (const b of matching(names, to).slice(0, most)) {
        const known = found.some((one) => one.kind === "link" && one.link.from === a && one.link.to === b);
        if (a !== b && !known) found.push({ kind: "link", link: { from: a, to: b } });
      }
  }
  return found.slice(0, most);
}
