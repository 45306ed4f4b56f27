/**
 * The platform's timers, time and chance, taken over while a world runs, so that code keeps no scheduler only to be
 * simulated. Modules of the platform are objects, and importers look a function up in them at each call.
 */
import crypto from 'node:crypto';
import timersPromises from 'node:timers/promises';
import type { SeededRandom } from './seeded-random';

export type PlatformSource = {
  /** Runs the task as the process that asks for it. */
  after(ms: number, task: () => void): void;
  nowMs(): number;
  /** Of its own: what the code draws must not change what the world draws. */
  readonly random: SeededRandom;
};

/** Returns what brings the platform's own back. */
export function takePlatform(source: PlatformSource): () => void {
  const { setTimeout, clearTimeout, setImmediate, setInterval, clearInterval, Date } = globalThis;
  const { random } = Math;
  const { randomUUID, randomBytes } = crypto;
  const { setTimeout: wait } = timersPromises;
  const { now } = performance;
  const replaced = timersOf(source);
  Object.assign(globalThis, { ...replaced, Date: dateOf(source) });
  Math.random = () => source.random.below(0x1_0000_0000) / 0x1_0000_0000;
  Object.assign(performance, { now: () => source.nowMs() });
  Object.assign(timersPromises, { setTimeout: waitOf(replaced) });
  Object.assign(crypto, {
    randomUUID: () => uuidOf(source.random),
    randomBytes: (size: number) => Buffer.from(Array.from({ length: size }, () => source.random.below(256))),
  });
  return () => {
    Object.assign(globalThis, { setTimeout, clearTimeout, setImmediate, setInterval, clearInterval, Date });
    Math.random = random;
    Object.assign(performance, { now });
    Object.assign(timersPromises, { setTimeout: wait });
    Object.assign(crypto, { randomUUID, randomBytes });
  };
}

type Handle = { cancelled: boolean; unref(): Handle; ref(): Handle };
type Timers = ReturnType<typeof timersOf>;

function timersOf({ after }: PlatformSource) {
  const newHandle = () => {
    const handle: Handle = { cancelled: false, unref: () => handle, ref: () => handle };
    return handle;
  };
  const once = (handle: Handle, ms: number, task: () => void) => {
    after(ms, () => {
      if (!handle.cancelled) task();
    });
    return handle;
  };
  const clear = (handle?: { cancelled: boolean }) => {
    if (handle) handle.cancelled = true;
  };
  return {
    setTimeout: (task: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) =>
      once(newHandle(), wholeMs(ms), () => task(...given)),
    clearTimeout: clear,
    setImmediate: (task: (...given: unknown[]) => void, ...given: unknown[]) =>
      once(newHandle(), 0, () => task(...given)),
    setInterval(task: () => void, ms: number) {
      const handle = newHandle();
      const again = (): Handle =>
        once(handle, wholeMs(ms), () => {
          task();
          again();
        });
      return again();
    },
    clearInterval: clear,
  };
}

/** As the platform has it: at least one. */
const wholeMs = (ms: number) => Math.max(1, Math.trunc(ms));

/** As `setTimeout` of `node:timers/promises`. */
function waitOf({ setTimeout, clearTimeout }: Timers) {
  return (ms: number, value: unknown, { signal }: { readonly signal?: AbortSignal } = {}) =>
    new Promise((resolve, reject) => {
      const aborted = () => {
        clearTimeout(timer);
        reject(new DOMException('The operation was aborted', 'AbortError'));
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', aborted);
        resolve(value);
      }, ms);
      if (signal?.aborted) aborted();
      else signal?.addEventListener('abort', aborted);
    });
}

function dateOf({ nowMs }: PlatformSource): DateConstructor {
  const { Date } = globalThis;
  return new Proxy(Date, {
    construct: (target, given: unknown[], newTarget) =>
      Reflect.construct(target, given.length === 0 ? [nowMs()] : given, newTarget) as object,
    get: (target, name, receiver) => (name === 'now' ? nowMs : (Reflect.get(target, name, receiver) as unknown)),
  });
}

function uuidOf(random: SeededRandom): `${string}-${string}-${string}-${string}-${string}` {
  const digits = Array.from({ length: 4 }, () => random.below(0x1_0000_0000).toString(16).padStart(8, '0')).join('');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20)}`;
}
