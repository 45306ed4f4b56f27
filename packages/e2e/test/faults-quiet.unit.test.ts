import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { groupsBehind, untilNone } from '../src/faults/quiet';
import { consumerGroups, services } from '../src/faults/services';

const root = join(__dirname, '../../..');

describe('what is quiet', () => {
  test('is known only by looking, several times in a row', async () => {
    expect(await untilNone(async () => [], 0)).toEqual(['not looked at']);
    const looks = [['a reader'], [], ['a reader'], [], [], []];
    expect(await untilNone(async () => looks.shift() ?? ['looked at too often'], 60_000)).toEqual([]);
    expect(looks).toEqual([]);
  });

  test('is no group that has stored no place while there is something for it', () => {
    const ends = new Map([
      ['ledger.transfers', new Map([[0, 2n]])],
      ['identity.credentials', new Map([[0, 0n]])],
    ]);
    const told = { group: 'notifications.transfers', topic: 'ledger.transfers', offsets: { 0: '2' } };
    expect(groupsBehind([told], ends)).toEqual([]);
    expect(groupsBehind([{ ...told, offsets: { 0: '1' } }], ends)).toHaveLength(1);
    expect(groupsBehind([], ends)).toEqual(['notifications.transfers is 2 messages behind in ledger.transfers/0']);
  });

  test('is looked for in every group that a service has', () => {
    const named = services.flatMap((service) => {
      const directory = join(root, 'services', service, 'src/consumers');
      return sourcesOf(directory).flatMap((text) => [...text.matchAll(/group: '([a-z.-]+)'/g)].map(([, name]) => name));
    });
    expect(consumerGroups.map(({ group }) => group).toSorted()).toEqual(named.toSorted());
  });
});

function sourcesOf(directory: string): readonly string[] {
  let files: readonly string[];
  try {
    files = readdirSync(directory);
  } catch {
    // Not every service has consumers.
    return [];
  }
  return files.filter((file) => !file.includes('.test.')).map((file) => readFileSync(join(directory, file), 'utf8'));
}
