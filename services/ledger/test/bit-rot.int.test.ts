import { checkRig, violationsOf, type CheckRig } from './check-rig';

let rig: CheckRig;
beforeAll(async () => {
  rig = await checkRig();
});
afterAll(() => rig?.close());

const flips = 100;

/**
 * In any byte of a stored event, also of one with text outside of ASCII. The newest event is not drawn: what seals it is
 * the event behind it, or the tree that a checkpoint signs.
 */
test(`each of ${flips} bits that turned over at random is found, at its event or where the next one continues it`, async () => {
  const stored = await rig.store.readStream('book-sandbox');
  expect(stored.some(({ payload }) => payload.some((byte) => byte > 127))).toBe(true);
  for (let flip = 0; flip < flips; flip++) {
    const sequence = Math.floor(Math.random() * (stored.length - 1));
    const { payload } = stored[sequence]!;
    const at = Math.floor(Math.random() * payload.length);
    const bit = 2 ** Math.floor(Math.random() * 8);
    const event = `payloads[${sequence} - first_revision + 1]`;
    const turn = `update appends set ${event} = set_byte(${event}, ${at}, get_byte(${event}, ${at}) # ${bit})
      where stream = 'book-sandbox' and first_revision <= ${sequence} and last_revision >= ${sequence}`;
    const report = await rig.sabotage(turn, turn, () => rig.check());
    expect({ sequence, at, bit, status: report.status }).toMatchObject({ status: 'DIFFERENCES' });
    const named = violationsOf(report, 'I3').map((violation) => violation.sequence);
    expect([sequence, sequence + 1]).toContain(named[0]);
  }
}, 120_000);
