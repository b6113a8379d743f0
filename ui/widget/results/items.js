// The items behind a number: a list beside what is shown, and the place where one of them opens.
//
// An opened item is drawn by item.js: showItem(host, {root, me, response, other, address, signal, changed}) → {destroy(), keys: []}.
// other: the response of B in a comparison, or null. changed(): somebody read an answer anew, so numbers may differ.
// The head above it (which of how many, to the next, link, close) and j, k, Esc belong to this file.
import { get } from "../base/api.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { pushScope } from "../base/keys.js";
import { copyLink } from "./export.js";
import { answered, condition, editOf, grouped, labelWord, plain, plural } from "./parts.js";
import { addressOf, itemsQuery } from "./state.js";
import { fail } from "../base/toast.js";

const PER_PAGE = 50;
const FAR = 1000; // items looked through for one that a link names
const NEAR_PX = 200;

// The items of one query, asked for a page at a time.
export class ItemRows {
  constructor(query, state) {
    Object.assign(this, { query, asks: itemsQuery(query, state), items: [], total: null, page: 0, asking: null });
  }

  more() {
    this.asking ??= get(`/api/results/items?${this.asks}&page=${this.page + 1}&per=${PER_PAGE}`).then((found) => {
      this.page += 1;
      this.total = found.total;
      this.items.push(...found.items);
    }).finally(() => { this.asking = null; });
    return this.asking;
  }

  // Asks on until `response` is there, so that a link to an item far down finds its neighbours.
  async find(response) {
    while (response && this.indexOf(response) < 0 && !this.whole && this.items.length < FAR) await this.more();
  }

  get whole() { return this.total !== null && (this.items.length >= this.total || this.page * PER_PAGE >= this.total); }
  indexOf(response) { return this.items.findIndex((item) => item.response === response || item.response_b === response); }

  async at(index) {
    while (index >= this.items.length && !this.whole) await this.more();
    return this.items[index] ?? null;
  }
}

const said = (who, label, right) => el("span", { class: "row" }, el("span", { class: "t3 sm" }, who), answered(label, right));

// A table of items in which one row is chosen. two: what A and what B said. onopen(item, index).
export class ItemTable {
  constructor(rows, { two = false, onopen, chosen = null, label }) {
    Object.assign(this, { rows, two, onopen, at: Math.max(0, rows.indexOf(chosen)) });
    const heads = two ? ["clip", "condition", "edit", "A said", "B said"] : ["clip, condition, edit", "answered, expected"];
    this.body = el("tbody");
    this.foot = el("p", { class: "sm t3 items-foot", role: "status" });
    this.node = el("div", { class: "tw items-tw", role: "region", "aria-label": label }, el("table", { class: two ? "c items" : "items tall" }, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col", class: head === "edit" ? "num" : "" }, head)))), this.body), this.foot);
    this.node.addEventListener("scroll", () => { if (this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < NEAR_PX) this.grow(); }, { passive: true });
    this.body.addEventListener("click", (event) => this.clicked(event));
    this.draw();
  }

  draw() {
    const { items, total } = this.rows, drawn = this.body.children.length;
    this.body.append(...items.slice(drawn).map((item, index) => this.row(item, drawn + index)));
    this.foot.textContent = total === 0 ? "No item matches." : items.length < total ? `${grouped(items.length)} of ${grouped(total)} shown; more load as you scroll` : "";
    this.mark();
  }

  row(item, index) {
    const name = el("a", { class: "mono clip", "data-at": String(index), tabindex: "-1", href: `/clips?clip=${encodeURIComponent(item.clip)}`, title: item.clip_title }, item.clip_title || item.clip);
    const cells = this.two ? [name, condition(item.condition), el("span", { class: "t2" }, editOf(item)), answered(item.label, item.right), answered(item.b_label, item.b_right)]
      : [[name, el("span", { class: "row sm" }, condition(item.condition), el("span", { class: "t3 clip" }, editOf(item) === "–" ? "" : editOf(item)))], item.b_label ? [said("A", item.label, item.right), said("B", item.b_label, item.b_right)]
        : [answered(item.label, item.right), el("span", { class: "t3 sm" }, item.right ? "" : `expected ${labelWord(item.expected)}`)]];
    return el("tr", { "aria-selected": "false" }, cells.map((each, at) => el("td", { class: this.two && at === 2 ? "num" : "" }, each)));
  }

  clicked(event) {
    const tr = event.target.closest("tr"), link = tr?.querySelector("[data-at]");
    if (!link || !plain(event)) return;
    event.preventDefault();
    this.open(Number(link.dataset.at));
  }

  mark() {
    [...this.body.children].forEach((tr, index) => { tr.setAttribute("aria-selected", String(index === this.at)); tr.querySelector("a").tabIndex = index === this.at ? 0 : -1; });
  }

  async grow() {
    if (this.rows.whole || this.rows.asking) return;
    try { await this.rows.more(); } catch (error) { fail(error); return; }
    this.draw();
  }

  async move(by, { focus = true } = {}) {
    const next = this.node.contains(document.activeElement) || !focus ? this.at + by : this.at;
    if (next < 0) return null;
    const item = await this.rows.at(next).catch((error) => { fail(error); return null; });
    if (!item) return null;
    this.at = next;
    this.draw();
    const link = this.body.children[next].querySelector("a");
    if (focus) link.focus({ preventScroll: true });
    link.closest("tr").scrollIntoView({ block: "nearest" });
    return item;
  }

  open(index = this.at) {
    const item = this.rows.items[index];
    if (!item) return;
    this.at = index;
    this.mark();
    this.onopen(item, index);
  }

  keys() {
    return [{ id: "item-next", key: "j", label: "Next item", run: () => this.move(1) }, { id: "item-previous", key: "k", label: "Item before", run: () => this.move(-1) },
      { id: "item-down", key: "ArrowDown", label: "Next item", run: () => this.move(1) }, { id: "item-up", key: "ArrowUp", label: "Item before", run: () => this.move(-1) },
      { id: "item-open", key: " ", label: "Open the item", run: () => this.open() }];
  }
}

// The panel at the side. page: {root, side, me, state(), go(changes), changed()}.
export class ItemsPanel {
  constructor(page) {
    Object.assign(this, { page, query: null, rows: null, table: null, item: null, shown: null, pop: null, asked: 0, stale: false, fresh: false });
  }

  get isOpen() { return !this.page.side.hidden; }

  // What the address wants: {items: a query, item: a response}; `list`: a table that is on the page already (a comparison's).
  async follow({ items, item }, list = null) {
    const asked = (this.asked += 1);
    if (!items && !item) { this.hide(); return; }
    this.reveal();
    if (item && !items && list) { await this.showItem(item, list); return; }
    const wanted = itemsQuery(items, this.page.state());
    if (items && (wanted !== this.query || (this.stale && !item))) {
      this.stale = false;
      this.query = wanted;
      this.wait();
      const rows = new ItemRows(items, this.page.state());
      try { await rows.more(); await rows.find(item); } catch (error) { if (asked === this.asked) this.failed(error, { items, item }); return; }
      if (asked !== this.asked) return;
      this.table = new ItemTable(rows, { label: "Items", chosen: item, onopen: (each) => this.page.go({ item: each.response }) });
    }
    if (item) await this.showItem(item, items ? this.table : null);
    else this.showList();
  }

  reveal() {
    const { side } = this.page;
    if (!side.hidden) return;
    this.from = document.activeElement;
    this.fresh = true;
    side.hidden = false;
    side.parentNode.classList.add("with");
  }

  hide() {
    const { side } = this.page, held = side.contains(document.activeElement);
    this.leave();
    this.query = this.table = null;
    if (side.hidden) return;
    side.hidden = true;
    side.parentNode.classList.remove("with");
    replace(side);
    if (held && this.from?.isConnected) this.from.focus({ preventScroll: true });
  }

  leave() {
    this.shown?.destroy();
    this.shown = this.item = null;
    this.pop?.();
    this.pop = null;
  }

  close() { this.page.go({ items: "", item: "" }); }
  closer(words = "Close") { return el("button", { class: "btn q i", type: "button", "aria-label": words, title: "Esc", onclick: () => this.close() }, icon("x")); }
  wait() {
    this.leave();
    replace(this.page.side, el("div", { class: "panel side-panel", "aria-busy": "true" }, el("div", { class: "ph" }, el("h2", {}, "Items"), el("span", { class: "sp" }), this.closer()), el("div", { class: "adm-wait" }, Array.from({ length: 10 }, () => el("i", { class: "sk" })))));
    this.pop = pushScope([this.escape()]);
  }
  failed(error, wanted) {
    this.query = null;
    replace(this.page.side, el("div", { class: "panel side-panel", role: "alert" }, el("div", { class: "ph" }, el("h2", {}, "Items"), el("span", { class: "sp" }), this.closer()),
      el("div", { class: "empty" }, el("p", { class: "sm" }, error.message), el("button", { class: "btn", type: "button", onclick: () => this.follow(wanted) }, "Try again"))));
  }
  escape() { return { id: "items-close", key: "Escape", label: "Close the items", run: () => (this.item && this.page.state().items ? this.page.go({ item: "" }) : this.close()) }; }

  showList() {
    const { table, page: { side } } = this, held = side.contains(document.activeElement) || this.fresh, shown = side.contains(table.node);
    this.leave();
    this.fresh = false;
    if (!shown) {
      replace(side, el("div", { class: "panel side-panel" }, el("div", { class: "ph" }, el("h2", {}, plural(table.rows.total, "item")), el("span", { class: "sp" }),
        el("span", { class: "sm t3 wide" }, el("kbd", {}, "j"), " ", el("kbd", {}, "k"), " move, ", el("kbd", {}, "space"), " open"), this.closer()), table.node));
    }
    this.pop = pushScope([...table.keys(), this.escape()]);
    if (held && !shown) table.body.querySelector("[tabindex='0']")?.focus({ preventScroll: true });
    if (!shown) table.body.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }

  // response in the panel, with the way to its neighbours in `list`.
  async showItem(response, list) {
    const { page } = this, asked = this.asked;
    const draw = await import("./item.js");
    if (asked !== this.asked) return;
    const held = page.side.contains(document.activeElement) ? document.activeElement.dataset.do : null;
    this.leave();
    this.item = response;
    const index = list ? list.rows.indexOf(response) : -1, row = list?.rows.items[index] ?? null, host = el("div", { class: "item-host" });
    if (list && index >= 0) { list.at = index; list.mark(); }
    const step = async (by) => { const next = await list?.move(by, { focus: false }); if (next) page.go({ item: next.response }); };
    const move = (by, words, glyph) => el("button", { class: "btn q s i", type: "button", "data-do": words, "aria-label": words, disabled: index < 0 || (by < 0 ? index === 0 : index + 1 >= list.rows.total), onclick: () => step(by) }, glyph);
    const flipped = icon("right");
    flipped.classList.add("turned");
    replace(page.side, el("div", { class: "panel side-panel" }, el("div", { class: "ph" }, list && move(-1, "Item before (k)", flipped), el("span", { class: "nw" }, index >= 0 ? `${grouped(index + 1)} of ${grouped(list.rows.total)}` : "One item"), list && move(1, "Next item (j)", icon("right")),
      el("span", { class: "sp" }), page.state().items && el("button", { class: "btn q s", type: "button", onclick: () => page.go({ item: "" }) }, "List"),
      el("button", { class: "btn q s", type: "button", onclick: () => copyLink(addressOf(page.state())) }, icon("link"), "Link"), this.closer()), host));
    this.shown = draw.showItem(host, { root: page.root, me: page.me, response, other: row?.response_b && row.response_b !== response ? row.response_b : null, address: (changes) => addressOf({ ...page.state(), ...changes }), signal: page.signal, changed: () => page.changed() });
    this.pop = pushScope([{ id: "item-next", key: "j", label: "Next item", run: () => step(1) }, { id: "item-previous", key: "k", label: "Item before", run: () => step(-1) }, ...(this.shown?.keys ?? []), this.escape()]);
    if (held) page.side.querySelector(`[data-do="${held}"]`)?.focus();
  }
}
