export type Alarm = {
  /** Ends the wait, or the next one when nobody waits now. */
  ring(): void;
  /** True when it rang, false when the time passed. */
  wait(ms: number): Promise<boolean>;
};

/** A wait that can be cut short, for loops that look for work. */
export function createAlarm(): Alarm {
  let rung = false;
  let end: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      end?.();
    },
    async wait(ms: number): Promise<boolean> {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          end = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        end = undefined;
      }
      const result = rung;
      rung = false;
      return result;
    },
  };
}
