// A list of any length of which only what is on screen is in the document.
// Every row's height is known before it is made, so that nothing moves.

/** Kept above and below the screen, in screens. */
const OVERSCAN = 0.75;

/** Rows that come in at the top one by one are seen coming; crowds are not. */
const MOST_ANIMATED = 6;

/**
 * `options`: `scroller` and `host` (elements), `heights()`, which gives
 * the function from a row to its pixels on the screen as it is now,
 * `render(row, index)` → element, `nearEnd()` when more rows will be wanted.
 */
export class VirtualList {
  #rows = [];
  #tops = [0];
  #nodes = new Map();
  #index = new Map();
  #options;
  #frame = 0;
  #height;
  #fresh = new Set();
  #onScroll = () => this.#schedule();
  #resize;

  constructor(options) {
    this.#options = options;
    this.#height = options.heights();
    options.scroller.addEventListener("scroll", this.#onScroll, { passive: true });
    this.#resize = new ResizeObserver(() => this.remeasure());
    this.#resize.observe(options.scroller);
  }

  destroy() {
    this.#options.scroller.removeEventListener("scroll", this.#onScroll);
    this.#resize.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  get rows() {
    return this.#rows;
  }

  /** All rows anew; nodes of rows that stay are kept. */
  set(rows, { keepPlace = false, fresh = [] } = {}) {
    const before = keepPlace ? this.#anchor() : null;
    this.#rows = rows;
    this.#measure();
    for (const key of fresh.slice(0, MOST_ANIMATED)) this.#fresh.add(key);
    if (before) {
      const at = this.#index.get(before.key);
      if (at !== undefined) this.#options.scroller.scrollTop = this.#start() + this.#tops[at] + before.inset;
    }
    this.render();
  }

  /** Measures again, after a change of width or of the text's size. */
  remeasure() {
    const before = this.#anchor();
    this.#height = this.#options.heights();
    this.#measure();
    if (before && before.top > 0) {
      const at = this.#index.get(before.key);
      if (at !== undefined) this.#options.scroller.scrollTop = this.#start() + this.#tops[at] + before.inset;
    }
    this.render();
  }

  /** More rows at the end, which moves nothing. */
  append(rows) {
    const height = this.#height;
    for (const row of rows) {
      this.#index.set(row.key, this.#rows.length);
      this.#tops.push(this.#tops[this.#rows.length] + height(row));
      this.#rows.push(row);
    }
    this.#options.host.style.height = `${this.#tops[this.#rows.length]}px`;
    this.render();
  }

  /** The element of a row, where it is in the document. */
  node(key) {
    return this.#nodes.get(key) || null;
  }

  /** The element of a row, scrolled into sight and made where it must be. */
  reveal(key) {
    const at = this.#index.get(key);
    if (at === undefined) return null;
    const { scroller } = this.#options;
    const top = this.#start() + this.#tops[at];
    const bottom = this.#start() + this.#tops[at + 1];
    const margin = 12;
    // What sticks to the top of the screen must not hide the row.
    const inset = margin + (parseFloat(getComputedStyle(scroller).scrollPaddingTop) || 0);
    if (top - inset < scroller.scrollTop) scroller.scrollTop = top - inset;
    else if (bottom + margin > scroller.scrollTop + scroller.clientHeight) {
      scroller.scrollTop = bottom + margin - scroller.clientHeight;
    }
    this.render();
    return this.#nodes.get(key) || null;
  }

  /** The first row that is wholly on screen. */
  firstVisible() {
    const { scroller } = this.#options;
    return this.#rows[this.#find(scroller.scrollTop - this.#start() + 4)] || null;
  }

  /** Has the row made anew when it is next on screen. */
  forget(key) {
    const node = this.#nodes.get(key);
    if (node) node.remove();
    this.#nodes.delete(key);
  }

  indexOf(key) {
    return this.#index.has(key) ? this.#index.get(key) : -1;
  }

  /** Where the rows begin; the scroller is what the host is placed in. */
  #start() {
    return this.#options.host.offsetTop;
  }

  #measure() {
    const tops = new Array(this.#rows.length + 1);
    tops[0] = 0;
    this.#index.clear();
    this.#rows.forEach((row, at) => {
      tops[at + 1] = tops[at] + this.#height(row);
      this.#index.set(row.key, at);
    });
    this.#tops = tops;
    this.#options.host.style.height = `${tops[tops.length - 1]}px`;
  }

  /** Where the reader is: the row at the top of the screen. */
  #anchor() {
    const { scroller } = this.#options;
    const top = scroller.scrollTop - this.#start();
    if (top <= 0 || !this.#rows.length) return null;
    const at = this.#find(top);
    return { key: this.#rows[at].key, inset: top - this.#tops[at], top };
  }

  /** The row at this height, by halving. */
  #find(y) {
    let low = 0;
    let high = this.#rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, low);
  }

  #schedule() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.render();
    });
  }

  /** Brings the document in line with the place on screen. */
  render() {
    const { scroller, host } = this.#options;
    const screen = scroller.clientHeight || innerHeight;
    const top = scroller.scrollTop - this.#start();
    const from = this.#find(top - screen * OVERSCAN);
    const to = Math.min(this.#rows.length, this.#find(top + screen * (1 + OVERSCAN)) + 1);
    const wanted = new Set();
    for (let at = from; at < to; at += 1) wanted.add(this.#rows[at].key);
    for (const [key, node] of this.#nodes) {
      // The row with the focus stays, so that the keyboard does not lose it.
      const focused = node.contains(document.activeElement);
      if (wanted.has(key) || (focused && this.#index.has(key))) continue;
      node.remove();
      this.#nodes.delete(key);
    }
    this.#place(host, from, to);
    const left = this.#tops[this.#rows.length] - (top + screen);
    if (left < screen * 2) this.#options.nearEnd();
  }

  #place(host, from, to) {
    let previous = null;
    for (let at = from; at < to; at += 1) {
      const row = this.#rows[at];
      let node = this.#nodes.get(row.key);
      if (!node) {
        node = this.#options.render(row, at);
        if (this.#fresh.delete(row.key)) node.classList.add("fresh");
        this.#nodes.set(row.key, node);
      }
      node.style.height = `${this.#tops[at + 1] - this.#tops[at]}px`;
      node.style.transform = `translateY(${this.#tops[at]}px)`;
      // In the document's order too: that is the order of reading and of Tab.
      const next = previous ? previous.nextSibling : host.firstChild;
      if (node !== next) host.insertBefore(node, next);
      previous = node;
    }
  }
}
