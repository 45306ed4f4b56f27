/** First in, first out, without moving what is left behind when the first one goes. */
export type Queue<Item> = {
  push(item: Item): void;
  /** The first item. There has to be one. */
  peek(): Item;
  shift(): Item;
  size(): number;
  /** Up to so many from the front, which stay. */
  first(count: number): readonly Item[];
  /** Takes all. */
  drain(): Item[];
};

export function createQueue<Item>(): Queue<Item> {
  // The array stays when it is empty: one that nearly always is would be made anew for every item.
  let items: (Item | undefined)[] = [];
  let head = 0;
  let tail = 0;
  const begin = (rest: Item[]) => {
    items = rest;
    head = 0;
    tail = rest.length;
  };
  return {
    push(item) {
      items[tail] = item;
      tail += 1;
    },
    peek: () => items[head] as Item,
    shift() {
      const item = items[head] as Item;
      items[head] = undefined;
      head += 1;
      if (head === tail) head = tail = 0;
      else if (head >= 1_024 && head * 2 >= tail) begin(items.slice(head, tail) as Item[]);
      return item;
    },
    size: () => tail - head,
    first: (count) => items.slice(head, Math.min(head + count, tail)) as Item[],
    drain() {
      const all = items.slice(head, tail) as Item[];
      begin([]);
      return all;
    },
  };
}
