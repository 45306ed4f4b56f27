/** Raised when the program itself is wrong. Never caught below `main.ts`. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

export function assertNever(value: never): never {
  const tag = (value as { type?: unknown } | undefined)?.type ?? value;
  throw new AssertionError(`unreachable: ${String(tag)}`);
}
