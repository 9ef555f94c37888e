/** A binary heap: `pop` takes out the item that comes before all others. */
export class MinHeap<Item> {
  readonly #items: Item[] = [];
  readonly #comesFirst: (one: Item, other: Item) => boolean;

  constructor(comesFirst: (one: Item, other: Item) => boolean) {
    this.#comesFirst = comesFirst;
  }

  push(item: Item): void {
    let hole = this.#items.length;
    this.#items.push(item);
    while (hole > 0) {
      const above = (hole - 1) >> 1;
      const parent = this.#items[above] as Item;
      if (!this.#comesFirst(item, parent)) break;
      this.#items[hole] = parent;
      hole = above;
    }
    this.#items[hole] = item;
  }

  pop(): Item | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    if (this.#items.length > 0) this.#sink(last as Item);
    return first;
  }

  /** Puts an item at the top and lets it down to its place. */
  #sink(item: Item): void {
    const { length } = this.#items;
    let hole = 0;
    for (let below = 1; below < length; below = 2 * hole + 1) {
      const right = below + 1;
      if (right < length && this.#comesFirst(this.#items[right] as Item, this.#items[below] as Item))
        below = right;
      const child = this.#items[below] as Item;
      if (!this.#comesFirst(child, item)) break;
      this.#items[hole] = child;
      hole = below;
    }
    this.#items[hole] = item;
  }
}
