import { deliverySlots } from './delivery-slots';

describe('delivery slots', () => {
  test('gives an endpoint two, and one while it fails', () => {
    const slots = deliverySlots();
    expect([slots.take('a'), slots.take('a'), slots.take('a')]).toEqual([true, true, false]);
    expect(slots.full()).toEqual(['a']);
    slots.giveBack('a', 'failed');
    slots.giveBack('a', 'failed');
    expect([slots.take('a'), slots.take('a')]).toEqual([true, false]);
    slots.giveBack('a', 'delivered');
    expect([slots.take('a'), slots.take('a'), slots.take('a')]).toEqual([true, true, false]);
  });

  test('never gives more than 64', () => {
    const slots = deliverySlots();
    const taken = Array.from({ length: 70 }, (_, n) => slots.take(`e${n}`));
    expect(taken.filter(Boolean)).toHaveLength(64);
    expect(slots.free()).toBe(0);
  });

  test('keeps half of them from endpoints that fail', () => {
    const slots = deliverySlots();
    const bad = Array.from({ length: 60 }, (_, n) => `bad${n}`);
    for (const endpointId of bad) {
      slots.take(endpointId);
      slots.giveBack(endpointId, 'failed');
    }
    expect(bad.map((endpointId) => slots.take(endpointId)).filter(Boolean)).toHaveLength(32);
    expect(slots.full()).toHaveLength(60);
    expect(slots.take('good')).toBe(true);
  });
});
