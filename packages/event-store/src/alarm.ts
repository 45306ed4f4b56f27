/** A wait that can be cut short. Ringing while nobody waits makes the next wait return at once. */
export function createAlarm() {
  let rung = false;
  let end: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      end?.();
    },
    /** True when it rang, false when the time passed. */
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
