import { deliverySlots } from './delivery-slots';

const soonMs = 5;

describe('delivery slots', () => {
  /** To whom the last attempt was delivered soon. */
  function withGood(...endpointIds: readonly string[]) {
    const slots = deliverySlots();
    for (const endpointId of endpointIds) {
      slots.take(endpointId);
      slots.giveBack(endpointId, 'delivered', 1_000);
    }
    return slots;
  }
  const many = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name}${n}`);

  test('gives an endpoint two, and one while it fails', () => {
    const slots = deliverySlots();
    expect([slots.take('a'), slots.take('a'), slots.take('a')]).toEqual([true, true, false]);
    expect(slots.full()).toEqual(['a']);
    slots.giveBack('a', 'failed', soonMs);
    slots.giveBack('a', 'unsigned', soonMs);
    expect([slots.take('a'), slots.take('a')]).toEqual([true, false]);
    slots.giveBack('a', 'delivered', 1_000);
    expect([slots.take('a'), slots.take('a'), slots.take('a')]).toEqual([true, true, false]);
  });

  test('gives one that answers quickly more, as long as half of all are free', () => {
    const slots = withGood(...many('e', 16), ...many('f', 16));
    for (let n = 0; n < 20; n++) {
      slots.take('quick');
      slots.giveBack('quick', 'delivered', soonMs);
    }
    const takenBy = (endpointId: string) => Array.from({ length: 40 }, () => slots.take(endpointId)).filter(Boolean);
    expect(takenBy('quick')).toHaveLength(16);
    for (const endpointId of many('e', 16)) slots.take(endpointId);
    for (let n = 0; n < 16; n++) slots.giveBack('quick', 'delivered', soonMs);
    for (const endpointId of many('f', 16)) slots.take(endpointId);
    expect(takenBy('quick')).toHaveLength(2);
    slots.giveBack('quick', 'delivered', 1_000);
    for (const endpointId of many('f', 16)) slots.giveBack(endpointId, 'skipped', soonMs);
    expect(takenBy('quick')).toHaveLength(1);
  });

  test('never gives more than 64', () => {
    const good = many('e', 70);
    const slots = withGood(...good);
    expect(good.filter((endpointId) => slots.take(endpointId))).toHaveLength(64);
    expect(slots.free()).toBe(0);
  });

  test.each([
    ['fail', 'failed', soonMs],
    ['are delivered to, but slowly', 'delivered', 3_000],
    ['have a secret that cannot be opened', 'unsigned', soonMs],
  ] as const)('keeps half of them from endpoints that %s', (_, attempt, tookMs) => {
    const slots = withGood('good');
    const bad = many('bad', 60);
    for (const endpointId of bad) {
      slots.take(endpointId);
      slots.giveBack(endpointId, attempt, tookMs);
    }
    expect(bad.filter((endpointId) => slots.take(endpointId))).toHaveLength(32);
    expect(slots.full()).toHaveLength(60);
    expect([slots.take('good'), slots.take('good')]).toEqual([true, true]);
  });

  test('keeps half of them from endpoints of which nothing is known, also together with those that are slow', () => {
    const slots = withGood('good');
    for (const endpointId of many('slow', 16)) {
      slots.take(endpointId);
      slots.giveBack(endpointId, 'delivered', 14_000);
      expect(slots.take(endpointId)).toBe(true);
    }
    expect(many('new', 60).filter((endpointId) => slots.take(endpointId))).toHaveLength(16);
    expect([slots.take('good'), slots.take('good')]).toEqual([true, true]);
    // One of the new ones turns out to be good: what it holds is not shared any more.
    slots.giveBack('new0', 'delivered', soonMs);
    expect(slots.take('new0')).toBe(true);
    expect(slots.take('new16')).toBe(true);
    expect(slots.take('new17')).toBe(false);
  });
});
