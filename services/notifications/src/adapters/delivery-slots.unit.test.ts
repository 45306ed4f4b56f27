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

  test('gives one that answers quickly more, as long as half of all are free', () => {
    const slots = deliverySlots();
    for (let n = 0; n < 20; n++) {
      slots.take('quick');
      slots.giveBack('quick', 'delivered', 5);
    }
    const takenBy = (endpointId: string) => Array.from({ length: 40 }, () => slots.take(endpointId)).filter(Boolean);
    expect(takenBy('quick')).toHaveLength(16);
    for (let n = 0; n < 16; n++) slots.take(`e${n}`);
    for (let n = 0; n < 16; n++) slots.giveBack('quick', 'delivered', 5);
    for (let n = 0; n < 16; n++) slots.take(`f${n}`);
    expect(takenBy('quick')).toHaveLength(2);
    slots.giveBack('quick', 'delivered', 1_000);
    for (let n = 0; n < 16; n++) slots.giveBack(`f${n}`, 'skipped');
    expect(takenBy('quick')).toHaveLength(1);
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
