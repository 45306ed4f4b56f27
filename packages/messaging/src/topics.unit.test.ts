import * as contracts from '@daybook/contracts';
import { declaredTopics } from './topics';

test('every topic that a contract names is declared, and no other', () => {
  const named = Object.values(contracts as Record<string, unknown>)
    .filter(
      (value): value is contracts.AnyEventContract => typeof value === 'object' && value !== null && 'topic' in value,
    )
    .map(({ topic }) => topic);
  expect(named.length).toBeGreaterThan(0);
  expect(
    declaredTopics()
      .map(({ name }) => name)
      .sort(),
  ).toEqual([...new Set(named)].sort());
});
