/**
 * Loaded before a service (`node --require`): its wall clock is wrong by as many milliseconds as the file says that
 * FAULTS_CLOCK_FILE names, and follows the file. Timers and `performance.now()` stay as they are, as they do when somebody
 * sets the clock of a machine. What it has taken from the file it writes into another one, whose name ends in `.seen`.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const lookMs = 50;
const file = process.env['FAULTS_CLOCK_FILE'];

if (file !== undefined) {
  const RealDate = Date;
  let shiftMs = 0;
  const look = () => {
    let told: string;
    try {
      told = readFileSync(file, 'utf8');
    } catch {
      // No file, no shift.
      return;
    }
    if ((Number(told) || 0) === shiftMs) return;
    shiftMs = Number(told) || 0;
    writeFileSync(`${file}.seen`, told);
  };
  look();
  setInterval(look, lookMs).unref();
  const now = () => RealDate.now() + shiftMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args: []) => (args.length === 0 ? new target(now()) : new target(...args)),
    apply: () => new RealDate(now()).toString(),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name, target)),
  });
}
