import { faultKinds, planOf, walletCount, type Operation } from '../src/faults/plan';

const seeds = Array.from({ length: 200 }, (_, seed) => seed);

describe('the plan of a fault run', () => {
  test('is the same for the same seed, and another for the next one', () => {
    for (const seed of [0, 1, 17, 4_711]) expect(planOf(seed)).toEqual(planOf(seed));
    expect(planOf(1).clients).not.toEqual(planOf(2).clients);
  });

  test('has one to three faults, each of a thing of its own', () => {
    for (const { faults } of seeds.map((seed) => planOf(seed))) {
      expect(faults.length).toBeGreaterThanOrEqual(1);
      expect(faults.length).toBeLessThanOrEqual(3);
      expect(new Set(faults.map(({ target }) => target)).size).toBe(faults.length);
    }
  });

  test('has every kind of fault within as many seeds, and every kind of operation in each', () => {
    const kinds = seeds
      .slice(50, 50 + faultKinds.length)
      .flatMap((seed) => planOf(seed).faults.map(({ kind }) => kind));
    expect(new Set(kinds)).toEqual(new Set(faultKinds));
    const operations = planOf(3).clients.flat();
    expect(new Set(operations.map(({ operation }) => operation.kind)).size).toBe(9);
    expect(operations.some(({ again }) => again)).toBe(true);
  });

  test('has no fault of a kind that is not to be had', () => {
    const available = faultKinds.filter((kind) => kind !== 'disk-full');
    expect(seeds.flatMap((seed) => planOf(seed, available).faults.map(({ kind }) => kind))).not.toContain('disk-full');
  });

  test('breaks no link that nothing which is planned asks over', () => {
    const targets = seeds.flatMap((seed) => planOf(seed).faults.map(({ target }) => target));
    expect(targets).toContain('gateway>ledger');
    expect(targets).not.toContain('settlement>ledger');
  });

  test('has holds that expire after the run, an intent that is never paid, and clocks that pass that time', () => {
    const plans = seeds.map((seed) => planOf(seed));
    const expiries = plans.flatMap(({ clients }) =>
      clients.flat().flatMap(({ operation }) => (operation.kind === 'hold' ? [operation.expiresAfterMs] : [])),
    );
    expect(new Set(expiries)).toEqual(new Set([null, 3_600_000]));
    for (const { clients } of plans) {
      const [first] = clients[0]!;
      expect(first!.operation.kind).toBe('intent');
      const paid = clients
        .flat()
        .filter(({ operation }) => operation.kind === 'deposit' && operation.of === first!.key);
      expect(paid).toEqual([]);
    }
    const shifts = plans.flatMap(({ faults }) => faults.flatMap(({ shiftMs }) => shiftMs ?? []));
    expect(Math.max(...shifts)).toBeGreaterThan(3_600_000);
  });

  test('asks under keys of its own, and only about what the same client has asked for before', () => {
    for (const { clients } of seeds.slice(0, 50).map((seed) => planOf(seed))) {
      const keys = clients.flat().map(({ key }) => key);
      expect(new Set(keys).size).toBe(keys.length);
      for (const operations of clients) {
        for (const [index, { operation }] of operations.entries()) {
          const before = operations.slice(0, index).map(({ key }) => key);
          if ('of' in operation) expect(before).toContain(operation.of);
          expect(amountsOf(operation).every((amount) => amount > 0n)).toBe(true);
          if (operation.kind === 'transfer') expect([operation.from, operation.to]).toEqual(walletsOf(operation));
        }
      }
    }
  });
});

function amountsOf(operation: Operation): readonly bigint[] {
  if (operation.kind === 'bulk') return operation.items.map(({ amount }) => amount);
  return 'amount' in operation && operation.amount !== null ? [operation.amount] : [];
}

/** Two that are there. */
function walletsOf({ from, to }: Extract<Operation, { kind: 'transfer' }>): readonly number[] {
  const exist = from !== to && [from, to].every((wallet) => wallet >= 0 && wallet < walletCount);
  return exist ? [from, to] : [];
}
