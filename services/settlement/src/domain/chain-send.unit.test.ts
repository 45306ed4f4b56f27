import fc from 'fast-check';
import { sampleStart, sampleTerms } from '../../test/evm-sample';
import type { Prepared } from '../ports';
import { chainSend, type SendCommand, type SendEvent } from './chain-send';
import { hashesOf, isRefused, isSigned, signedAtOf, type ChainSend, type SendState } from './send-state';

const at = sampleStart;
const terms = { ...sampleTerms, fromAddress: '0xA', toAddress: '0xB', feeCap: 10n };
const create: SendCommand = { type: 'CreateSend', terms, oldDigests: [] };

const attempt = fc.integer({ min: 1, max: 3 });
const hash = fc.constantFrom('h1', 'h2', 'h3', 'foreign');
const inclusion = fc.record({
  hash,
  blockNumber: fc.nat(3),
  blockHash: fc.constantFrom('b1', 'b2'),
  succeeded: fc.boolean(),
  fee: fc.constantFrom(0n, 3n),
  gasUsed: fc.constant(null),
  gasPrice: fc.constant(null),
});
const prepared = fc
  .record({ nonce: fc.constantFrom(7, 7, 7, 8), maxFee: fc.bigInt({ min: 1n, max: 12n }) })
  .map(({ nonce, maxFee }): Prepared => ({ transaction: {}, slot: { family: 'evm', nonce, sinceBlock: 0 }, maxFee }));

const command: fc.Arbitrary<SendCommand> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<SendCommand>({ type: 'RecordHeld', at }) },
  fc
    .constantFrom('signer_refused' as const, 'fee_too_high' as const, 'wallet_funds_insufficient' as const)
    .map((failure): SendCommand => ({ type: 'RecordRefused', failure, detail: 'd', at })),
  {
    weight: 4,
    arbitrary: fc.record({ attempt, prepared }).map((of): SendCommand => ({ type: 'RecordPrepared', ...of, at })),
  },
  {
    weight: 4,
    arbitrary: attempt.map((of): SendCommand => {
      return { type: 'RecordSigned', attempt: of, hash: `h${of}`, bytes: `0${of}`, at };
    }),
  },
  attempt.map((of): SendCommand => ({ type: 'RecordNotReplaced', attempt: of, detail: 'd', at })),
  attempt.map((of): SendCommand => ({ type: 'RecordBroadcast', attempt: of, at })),
  inclusion.map((of): SendCommand => ({ type: 'RecordIncluded', inclusion: of, at })),
  fc.constant<SendCommand>({ type: 'RecordExcluded', at }),
  fc.constant<SendCommand>({ type: 'RecordAcknowledged', at }),
  inclusion.map((of): SendCommand => ({ type: 'RecordFinal', inclusion: of, at })),
  fc.subarray(['h1', 'h2', 'h3']).map((hashes): SendCommand => ({ type: 'RecordImpossible', hashes, detail: 'd', at })),
  fc.constant<SendCommand>({ type: 'RecordClosed', at }),
  fc.constant<SendCommand>({ type: 'RecordBooked', ledgerReference: 'r', at }),
);
/** What chance seldom finds: how a send usually goes, up to some point. */
const usual: readonly SendCommand[] = [
  { type: 'RecordHeld', at },
  {
    type: 'RecordPrepared',
    attempt: 1,
    prepared: { transaction: {}, slot: { family: 'evm', nonce: 7, sinceBlock: 0 }, maxFee: 1n },
    at,
  },
  { type: 'RecordSigned', attempt: 1, hash: 'h1', bytes: '01', at },
  { type: 'RecordBroadcast', attempt: 1, at },
];
const commands = fc
  .tuple(fc.nat(usual.length), fc.array(command, { maxLength: 40, size: 'max' }))
  .map(([far, rest]) => [...usual.slice(0, far), ...rest]);

type Step = { readonly events: readonly SendEvent[]; readonly before: SendState; readonly after: ChainSend };

function play(all: readonly SendCommand[]): readonly Step[] {
  let state: SendState = chainSend.initial;
  return [create, ...all].map((each) => {
    const before = state;
    const decision = chainSend.decide(each, state);
    const events = decision.ok ? decision.events : [];
    state = events.reduce(chainSend.evolve, state);
    if (decision.ok) expect(chainSend.decide(each, state)).toEqual({ ok: true, events: [] });
    if (state.stage === 'none') throw new Error('the first command creates it');
    return { events, before, after: state };
  });
}

test('N1: every transaction of a send has its one slot, and none costs more than was held', () => {
  fc.assert(
    fc.property(commands, (all) => {
      for (const { after } of play(all)) {
        expect(new Set(after.attempts.map(({ prepared: { slot } }) => JSON.stringify(slot))).size).toBeLessThan(2);
        for (const each of after.attempts) expect(each.prepared.maxFee).toBeLessThanOrEqual(terms.feeCap);
      }
    }),
  );
});

test('N2: after something was signed, a send fails by what the chain says of all of it and by nothing else', () => {
  fc.assert(
    fc.property(commands, (all) => {
      for (const [place, { before, events }] of play(all).entries()) {
        if (before.stage === 'none' || !isSigned(before)) continue;
        const types = events.map(({ type }) => type);
        expect(types).not.toContain('SendRefused');
        // The first step is the creation, which is not among the commands.
        const given = all[place - 1];
        if (types.includes('SendImpossible')) expect(given).toMatchObject({ hashes: hashesOf(before) });
      }
    }),
  );
});

test('N3: repeating an accepted command at once is accepted again and records nothing', () => {
  fc.assert(fc.property(commands, (all) => void play(all)));
});

test('N4: what is final or closed stays, and is told to the ledger once', () => {
  fc.assert(
    fc.property(commands, (all) => {
      const told = play(all).flatMap((step) => step.events.map(({ type }) => type));
      const events = told.filter((type) => type !== 'SendAcknowledged');
      const ends = events.filter((type) => ['SendRefused', 'SendFinal', 'SendImpossible'].includes(type));
      expect(ends.length).toBeLessThanOrEqual(1);
      const after = events.slice(events.indexOf(ends[0]!) + 1);
      if (ends.length === 1) expect(['', 'SendClosed', 'SendBooked']).toContain(after.join());
    }),
  );
});

test('N5: what is prepared is ended by the signer or the chain, and by nothing else', () => {
  fc.assert(
    fc.property(commands, (all) => {
      for (const { before, events } of play(all)) {
        if (before.stage === 'none' || before.attempts.length === 0) continue;
        for (const event of events) if (event.type === 'SendRefused') expect(event.failure).toBe('signer_refused');
      }
    }),
  );
});

test('N6: it is told as failed only when nothing is held for it', () => {
  fc.assert(
    fc.property(commands, (all) => {
      let isHeld = false;
      for (const { type, summary } of play(all).flatMap(({ events }) => events)) {
        if (type === 'SendHeld') isHeld = true;
        if (type === 'SendClosed' || type === 'SendBooked') isHeld = false;
        if (isHeld) expect(summary.status).not.toBe('failed');
      }
    }),
  );
});

test('N7: once it was acknowledged no refusal answers the request, and once one did it is not acknowledged', () => {
  fc.assert(
    fc.property(commands, (all) => {
      let [wasAcknowledged, wasRefused] = [false, false];
      for (const { after } of play(all)) {
        expect(isRefused(after) && wasAcknowledged).toBe(false);
        expect(after.acknowledged && wasRefused).toBe(false);
        [wasAcknowledged, wasRefused] = [wasAcknowledged || after.acknowledged, wasRefused || isRefused(after)];
      }
    }),
  );
});

test('the transaction that is shown has the time at which it was signed: the newest, until another is included', () => {
  const times = ['2026-03-01T10:01:00.000Z', '2026-03-01T10:05:00.000Z'] as const;
  const prepare = (of: number): SendCommand => {
    const slot = { family: 'evm', nonce: 7, sinceBlock: 0 } as const;
    return { type: 'RecordPrepared', attempt: of, prepared: { transaction: {}, slot, maxFee: BigInt(of) }, at };
  };
  const sign = (of: number): SendCommand => {
    return { type: 'RecordSigned', attempt: of, hash: `h${of}`, bytes: `0${of}`, at: times[of - 1]! };
  };
  const held: SendCommand = { type: 'RecordHeld', at };
  const included: SendCommand = {
    type: 'RecordIncluded',
    inclusion: { hash: 'h1', blockNumber: 1, blockHash: 'b', succeeded: true, fee: 1n, gasUsed: null, gasPrice: null },
    at,
  };
  const shown = play([held, prepare(1), sign(1), prepare(2), sign(2), included]).map(({ after }) => signedAtOf(after));
  expect(shown).toEqual([null, null, null, times[0], times[0], times[1], times[0]]);
});

test.each([
  ['fee_above_day_cap', true],
  ['fee_above_send_cap', false],
  ['replacements_exhausted', false],
])('a replacement that is refused for %s may be asked for again: %p', (detail, replaceable) => {
  const second = { ...usual[1]!, attempt: 2 } as SendCommand;
  const steps = play([...usual, second, { type: 'RecordNotReplaced', attempt: 2, detail, at }]);
  expect(steps.at(-1)?.after).toMatchObject({ replaceable, notReplacedAt: at, attempts: [{ hash: 'h1' }] });
});

test('only a transaction of the send counts as its inclusion', () => {
  const steps = play([
    { type: 'RecordHeld', at },
    {
      type: 'RecordPrepared',
      attempt: 1,
      prepared: { transaction: {}, slot: { family: 'evm', nonce: 7, sinceBlock: 0 }, maxFee: 1n },
      at,
    },
    { type: 'RecordSigned', attempt: 1, hash: 'h1', bytes: '01', at },
    {
      type: 'RecordFinal',
      inclusion: {
        hash: 'foreign',
        blockNumber: 1,
        blockHash: 'b',
        succeeded: true,
        fee: 1n,
        gasUsed: null,
        gasPrice: null,
      },
      at,
    },
  ]);
  expect(steps.at(-1)).toMatchObject({ events: [], after: { stage: 'signed' } });
});
