/** Lets loops wait for a hint that there may be work. A hint given while nobody waits is kept for the next one. */
export type Wake = {
  fire(): void;
  /** Resolves at the next `fire`, or after `ms`. */
  wait(ms: number): Promise<void>;
};

export function createWake(): Wake {
  let fired = false;
  let resume: (() => void) | undefined;
  return {
    fire() {
      fired = true;
      resume?.();
    },
    async wait(ms) {
      if (!fired) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          resume = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      fired = false;
      resume = undefined;
    },
  };
}
