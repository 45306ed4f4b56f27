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
  let items: (Item | undefined)[] = [];
  let head = 0;
  return {
    push: (item) => void items.push(item),
    peek: () => items[head] as Item,
    shift() {
      const item = items[head] as Item;
      items[head] = undefined;
      head += 1;
      if (head === items.length) {
        items = [];
        head = 0;
      } else if (head >= 1_024 && head * 2 >= items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
    size: () => items.length - head,
    first: (count) => items.slice(head, head + count) as Item[],
    drain() {
      const all = items.slice(head) as Item[];
      items = [];
      head = 0;
      return all;
    },
  };
}
