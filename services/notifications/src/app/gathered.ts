/**
 * Work that costs less together: what is asked while some of it is being done waits and is done at once after it. There
 * is no timer; a lone question is asked at once.
 */
export function gathered<Item, Answer>(
  work: (items: readonly Item[]) => Promise<readonly Answer[]>,
  togetherMax: number,
): (item: Item) => Promise<Answer> {
  type Waiting = { readonly item: Item; resolve(answer: Answer): void; reject(error: unknown): void };
  const waiting: Waiting[] = [];
  let working = false;

  async function run(): Promise<void> {
    // What the same turn of the event loop asks goes together.
    await new Promise((resolve) => setImmediate(resolve));
    for (let some = waiting.splice(0, togetherMax); some.length > 0; some = waiting.splice(0, togetherMax)) {
      try {
        const answers = await work(some.map(({ item }) => item));
        some.forEach(({ resolve }, index) => resolve(answers[index]!));
      } catch (error) {
        for (const { reject } of some) reject(error);
      }
    }
    working = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (working) return;
      working = true;
      void run();
    });
}
