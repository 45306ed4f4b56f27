import { chmodSync, renameSync, writeFileSync } from 'node:fs';

/** Writes JSON that only the owner may read. A reader sees the old file or the whole new one. */
export function writePrivateFile(path: string, value: unknown): void {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, path);
}
