/**
 * Work on one key, one after another within this process. For speed, and to ask others once: what two processes do at once
 * is ruled by what they append.
 */
export function inTurn() {
  const last = new Map<string, Promise<unknown>>();
  return async <Answer>(key: string, work: () => Promise<Answer>): Promise<Answer> => {
    const turn = (last.get(key) ?? Promise.resolve()).then(work, work);
    last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (last.get(key) === turn) last.delete(key);
    }
  };
}
export type InTurn = ReturnType<typeof inTurn>;
