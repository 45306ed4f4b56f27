/** The test that turns red, by its title and the files that have it. */
export type Held = {
  /** The file that runs it. */
  readonly file: string;
  /** As it stands in the source. */
  readonly title: string;
  /** The file that defines it, when that is a suite which `file` runs. */
  readonly definedIn?: string;
};

/**
 * One edit of one source file that takes one protection of money or of delivery away. It is an edit, and not a setting,
 * so that no program that is shipped has a way to do without the protection.
 */
export type Protection = {
  readonly name: string;
  /** What it protects from: a hazard (A to G) or the invariant (I) that would not hold. `docs/guarantees.md` has the letters. */
  readonly row: string;
  /** What is gone without it, in words. */
  readonly removes: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  readonly held: Held;
};

export class StaleEdit extends Error {
  override readonly name = 'StaleEdit';
}

/** The text without the protection. Throws StaleEdit unless the edit fits exactly once and changes something. */
export function withoutProtection(text: string, { name, file, find, replace }: Protection): string {
  const [before, after, ...more] = text.split(find);
  const problem = after === undefined ? 'is not there' : more.length > 0 ? 'is there more than once' : undefined;
  if (problem !== undefined)
    throw new StaleEdit(`${name}: what it replaces ${problem} in ${file}; move the edit with the line`);
  if (find === replace) throw new StaleEdit(`${name}: changes nothing in ${file}`);
  return `${before}${replace}${after}`;
}
