// The box that finds a site, or a link by two sites; "/" leads to it from everywhere.
import { byId, element, showChildren } from "../dom";
import { find, type Found } from "../model/find";
import type { Link } from "../model/types";

const most_shown = 8;

interface FindEvents {
  /** Empty: none any more. */
  onSite(site: string): void;
  onLink(link: Link): void;
}

export class FindBox {
  private readonly input_ = byId("find", HTMLInputElement);
  private readonly list_ = byId("find-list", HTMLUListElement);
  private found_: Found[] = [];
  private active_ = 0;
  private site_ = "";

  constructor(private readonly names_: () => readonly string[], private readonly events_: FindEvents) {
    this.input_.addEventListener("input", () => this.look());
    this.input_.addEventListener("keydown", (event) => this.onKey(event));
    this.input_.addEventListener("blur", () => this.close());
    this.input_.addEventListener("focus", () => this.input_.select());
    // A press of the mouse would take the focus, and with it the list, before it is a click.
    this.list_.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list_.addEventListener("click", (event) => {
      const at = event.target instanceof Element ? [...this.list_.children].indexOf(event.target.closest("li")!) : -1;
      this.take(this.found_[at]);
    });
  }

  /** The site that is looked at. */
  show(site: string): void {
    this.site_ = site;
    if (document.activeElement !== this.input_) this.input_.value = site;
  }

  focus(): void {
    this.input_.focus();
  }

  private look(): void {
    this.found_ = find(this.names_(), this.input_.value, most_shown);
    this.active_ = 0;
    if (this.input_.value.trim() === "" && this.site_ !== "") this.events_.onSite("");
    this.draw();
  }

  private draw(): void {
    const words = this.input_.value.trim();
    const open = words !== "" && document.activeElement === this.input_;
    const items = this.found_.map((found, i) => element("li", { id: `find-${i}`, role: "option", "aria-selected": String(i === this.active_) },
      found.kind === "site" ? found.site : `${found.link.from} → ${found.link.to}`));
    if (items.length === 0) items.push(element("li", { role: "option", "aria-disabled": "true", "aria-selected": "false", class: "dim" }, "no site is called that"));
    showChildren(this.list_, items);
    this.list_.hidden = !open;
    this.input_.setAttribute("aria-expanded", String(open));
    if (open && this.found_.length > 0) this.input_.setAttribute("aria-activedescendant", `find-${this.active_}`);
    else this.input_.removeAttribute("aria-activedescendant");
  }

  private onKey(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && this.found_.length > 0) {
      this.active_ = (this.active_ + step + this.found_.length) % this.found_.length;
      this.draw();
    } else if (event.key === "Enter") {
      this.take(this.found_[this.active_]);
    } else if (event.key === "Escape") {
      this.close();
      this.input_.blur();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private take(found: Found | undefined): void {
    if (!found) return;
    if (found.kind === "site") {
      this.site_ = found.site;
      this.events_.onSite(found.site);
    }
    this.close();
    this.input_.blur();
    if (found.kind === "link") this.events_.onLink(found.link);
  }

  private close(): void {
    this.found_ = [];
    this.list_.hidden = true;
    this.input_.setAttribute("aria-expanded", "false");
    this.input_.removeAttribute("aria-activedescendant");
    this.input_.value = this.site_;
  }
}
