import fc from 'fast-check';
import { chainAlarm } from './chain-alarm';

const limits = { frozenMs: 1000, lagBlocks: 10 };
const following = { halted: false, changedAt: 5000, lagBlocks: 0, faults: 0 };

describe('the alarm of a chain', () => {
  test('L1: a newest block that has not changed for the limit is frozen, and halted comes first', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.nat(5000), fc.option(fc.nat(50)), (halted, still, lagBlocks) => {
        const alarm = chainAlarm({ ...following, halted, lagBlocks }, limits, 5000 + still);
        expect(alarm === 'halted').toBe(halted);
        if (!halted) expect(alarm === 'frozen').toBe(still >= limits.frozenMs);
      }),
    );
  });

  test('names the limits exactly', () => {
    expect(chainAlarm(following, limits, 5999)).toBeNull();
    expect(chainAlarm(following, limits, 6000)).toBe('frozen');
    expect(chainAlarm({ ...following, lagBlocks: 10 }, limits, 5000)).toBeNull();
    expect(chainAlarm({ ...following, lagBlocks: 11 }, limits, 5000)).toBe('lagging');
    expect(chainAlarm({ ...following, lagBlocks: null }, limits, 5000)).toBeNull();
  });

  test('an asset that is off is told when nothing worse is', () => {
    expect(chainAlarm({ ...following, faults: 1 }, limits, 5999)).toBe('asset_off');
    expect(chainAlarm({ ...following, faults: 1 }, limits, 6000)).toBe('frozen');
    expect(chainAlarm({ ...following, faults: 1, lagBlocks: 11 }, limits, 5000)).toBe('lagging');
  });

  test('a chain that may stand still never freezes', () => {
    expect(chainAlarm(following, { ...limits, frozenMs: null }, 10 ** 12)).toBeNull();
  });
});
