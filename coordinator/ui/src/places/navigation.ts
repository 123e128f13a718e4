// The places of the page, as links that can be sent and opened in another tab.
import { byId, element, setText } from "../dom";
import { formatHash, places, type PlaceName, type View } from "../model/view_state";

const texts: Record<PlaceName, string> = { matrix: "Matrix", incidents: "Incidents", sites: "Sites", timetable: "Timetable", map: "Map" };

export class Navigation {
  private readonly links_ = new Map<PlaceName, HTMLAnchorElement>();
  private readonly badge_ = element("span", { class: "badge", hidden: "" });

  constructor(onChoice: (place: PlaceName) => void) {
    const host = byId("places", HTMLElement);
    places.forEach((place, i) => {
      const link = element("a", { title: `${texts[place]} (key ${i + 1})` }, texts[place]);
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        onChoice(place);
      });
      if (place === "incidents") link.append(this.badge_);
      this.links_.set(place, link);
      host.append(link);
    });
  }

  show(view: View): void {
    for (const [place, link] of this.links_) {
      link.href = formatHash({ ...view, place, link: null });
      if (place === view.place) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  /** How many incidents are open. */
  count(open: number): void {
    this.badge_.hidden = open === 0;
    setText(this.badge_, String(open));
  }
}
