/** Sends that two processes bring on at once, or whose signer or node is not as it was when they were begun. */
import { OperationalError } from '@daybook/core';
import { commandHandler, memoryEventStore } from '@daybook/event-store';
import type { Refusal, Signer } from '@daybook/signer';
import { fakeClock, gate, testLogger } from '@daybook/testing';
import { preparedAt, sampleStart as start, sampleTerms as terms, sampleWallet as wallet } from '../../test/evm-sample';
import { fundingEvents, sendEvents, walletEvents } from '../adapters/stored-sends';
import { chainSend } from '../domain/chain-send';
import type { SendState } from '../domain/send-state';
import { hotWallet } from '../domain/wallet';
import { walletFunding } from '../domain/wallet-funding';
import type { Prepared, Preparing, SendChain, SlotStatus, TakenSlot } from '../ports';
import { advanceSend } from './advance-send';
import { sendStream, walletStream } from './send-streams';

const bumpAfterMs = 60_000;
const giveUpAfterMs = 3_600_000;
const own: string = wallet.address;
const other = `0x${'c3'.repeat(20)}`;
const nonceAfter = (taken: readonly TakenSlot[]) =>
  ({ family: 'evm', nonce: 7 + taken.length, sinceBlock: 0 }) as const;
const includedAs = (transactionId: string): SlotStatus => ({
  type: 'included',
  transactionId,
  blockNumber: 9,
  blockHash: 'b9',
  final: true,
  succeeded: true,
  fee: 21_000n,
  gasUsed: 21_000n,
  gasPrice: 1n,
});
const away = () => new OperationalError('upstream_unavailable', true);

/** What all processes have in common; all of `outside` but what was asked and given is for the test to change. */
async function world() {
  const now = fakeClock(start);
  const log = memoryEventStore(now);
  const { logger, lines } = testLogger();
  const outside = {
    status: { type: 'pending' } as SlotStatus,
    refusal: null as Refusal | null,
    key: own,
    isSignerAway: false,
    isNodeAway: false,
    areStopped: false,
    resumedAt: null as string | null,
    isCompared: true,
    /** Of first transactions. */
    price: 1,
    asked: [] as string[],
    /** Bytes that nodes were given, also those that they did not take. */
    given: [] as string[],
  };
  const signer: Signer = {
    async walletOf() {
      if (outside.isSignerAway) throw away();
      return { address: outside.key, publicKey: '04' };
    },
    async sign(request) {
      if (outside.isSignerAway) throw away();
      if (request.family !== 'evm') throw new Error('a request of another family');
      const { maxFeePerGas: price } = request.transaction;
      outside.asked.push(`h${price}`);
      if (outside.refusal !== null) return { ok: false, refusal: outside.refusal };
      return { ok: true, value: { transactionId: `h${price}`, bytes: `0${price}` } };
    },
    signedAfter: async () => undefined,
  };
  const chain = {
    async prepare(_send: unknown, _wallet: unknown, taken: readonly TakenSlot[]): Promise<Preparing> {
      return { ok: true, prepared: { ...preparedAt(outside.price), slot: nonceAfter(taken) } };
    },
    bump: async (_send: unknown, { transaction }: Prepared) => preparedAt(Number(transaction['maxFeePerGas']) + 1),
    async broadcast(bytes: string) {
      outside.given.push(bytes);
      if (outside.isNodeAway) throw away();
    },
    statusOf: async (_slot: unknown, _wallet: unknown, _hashes: readonly string[]) => outside.status,
  };
  const sends = commandHandler(chainSend, sendEvents, log);
  const wallets = commandHandler(hotWallet, walletEvents, log);
  const context = { commandId: 'c', correlationId: 'c', causationId: 'c' };
  await wallets.handle(walletStream('w'), { type: 'OpenWallet', wallet, at: start }, context);
  const create = (transactionId: string) =>
    sends.handle(
      sendStream(transactionId),
      { type: 'CreateSend', terms: { ...terms, transactionId }, oldDigests: [] },
      context,
    );
  await create('TX1');

  function process(more: { readonly chain?: Partial<typeof chain>; readonly signer?: Partial<Signer> } = {}) {
    const advance = advanceSend({
      sends,
      wallets,
      fundings: commandHandler(walletFunding, fundingEvents, log),
      ledger: { hold: async () => ({ ok: true }), release: async () => undefined, balanceOf: async () => 0n },
      signer: { ...signer, ...more.signer },
      signaturesCompared: () => outside.isCompared,
      chainOf: () => ({ ...chain, ...more.chain }) as unknown as SendChain,
      arePayoutsStopped: async () => outside.areStopped,
      payoutsResumedAt: async () => outside.resumedAt,
      bumpAfterMs,
      giveUpAfterMs,
      now,
      logger,
    });
    return async (transactionId = 'TX1'): Promise<Exclude<SendState, { stage: 'none' }>> => {
      const state = await advance(transactionId);
      if (state.stage === 'none') throw new Error('the send is there');
      return state;
    };
  }
  const slotsOf = async () => {
    const { state } = await wallets.load(walletStream('w'));
    return state.wallet === null ? [] : [...state.slots.values()].map(({ sendId, signed }) => ({ sendId, signed }));
  };
  /** The last that a process does which still takes a send for held. */
  const reserveLate = (sendId: string) =>
    wallets.handle(
      walletStream('w'),
      { type: 'ReserveSlot', sendId, prepared: preparedAt(1), spends: [], at: start },
      { ...context, commandId: 'late' },
    );
  return { outside, now, process, signer, create, reserveLate, slotsOf, lines };
}

test('what one process finds too dear does not end what another has prepared, and may have had signed', async () => {
  const { outside, now, process, signer, slotsOf } = await world();
  const [told, reserved, recorded] = [gate(), gate(), gate()];
  const first = process({
    chain: {
      async prepare() {
        told.open();
        await reserved.opened;
        return { ok: false, refusal: 'fee_too_high' };
      },
    },
  });
  const second = process({
    signer: {
      async sign(request) {
        const answer = await signer.sign(request);
        reserved.open();
        await recorded.opened;
        return answer;
      },
    },
  });
  now.advance(giveUpAfterMs);
  const slow = first();
  await told.opened;
  const fast = second();
  expect(await slow).toMatchObject({ stage: 'sent', failure: null, attempts: [{ hash: 'h1' }] });
  recorded.open();
  expect(await fast).toMatchObject({ stage: 'sent', failure: null });
  expect(await slotsOf()).toEqual([{ sendId: 'TX1', signed: true }]);
  expect(new Set(outside.given)).toEqual(new Set(['01']));
});

test('a replacement that the fees of today do not allow is asked for again, once in the time that one waits for it', async () => {
  const { outside, now, process } = await world();
  const advance = process();
  await advance();
  outside.refusal = 'fee_above_day_cap';
  now.advance(bumpAfterMs);
  for (let look = 0; look < 5; look++) await advance();
  expect(outside.asked).toEqual(['h1', 'h2']);
  now.advance(bumpAfterMs - 1);
  await advance();
  expect(outside.asked).toEqual(['h1', 'h2']);
  outside.refusal = null;
  now.advance(1);
  expect(await advance()).toMatchObject({ stage: 'sent', attempts: [{ hash: 'h1' }, { hash: 'h2' }] });
  expect(outside.given).toEqual(['01', '02']);

  // What the signer refuses for good is not asked for again.
  outside.refusal = 'replacements_exhausted';
  for (let look = 0; look < 5; look++) {
    now.advance(bumpAfterMs);
    await advance();
  }
  expect(outside.asked).toEqual(['h1', 'h2', 'h2', 'h3']);
});

test('a replacement whose broadcast was lost is given again, once a look, though the node knows what it replaces', async () => {
  const { outside, now, process } = await world();
  const advance = process();
  await advance();
  for (let look = 0; look < 3; look++) await advance();
  // The node knows the only one: there is nothing to give.
  expect(outside.given).toEqual(['01']);
  now.advance(bumpAfterMs);
  outside.isNodeAway = true;
  expect(await advance()).toMatchObject({ attempts: [{ hash: 'h1' }, { hash: 'h2' }] });
  expect(outside.given).toEqual(['01', '02']);
  outside.isNodeAway = false;
  await advance();
  expect(outside.given).toEqual(['01', '02', '02']);
});

test('a signer that is away keeps nobody from following what it signed before', async () => {
  const { outside, now, process } = await world();
  const advance = process();
  await advance();
  outside.isSignerAway = true;
  now.advance(bumpAfterMs);
  expect(await advance()).toMatchObject({ stage: 'sent', attempts: [{ hash: 'h1' }, { hash: null }] });
  outside.status = { type: 'unseen' };
  outside.given = [];
  await advance();
  expect(outside.given).toEqual(['01']);
  outside.status = includedAs('h1');
  expect(await advance()).toMatchObject({ stage: 'final', failure: null, inclusion: { hash: 'h1' } });
});

test('nothing is signed before all signatures are compared, and everything else of a send goes on', async () => {
  const { outside, now, process, create, slotsOf } = await world();
  const advance = process();
  outside.isCompared = false;
  expect(await advance()).toMatchObject({ stage: 'prepared', attempts: [{ hash: null }] });
  expect([outside.asked, await slotsOf()]).toEqual([[], [{ sendId: 'TX1', signed: false }]]);
  outside.isCompared = true;
  expect(await advance()).toMatchObject({ stage: 'sent', attempts: [{ hash: 'h1' }] });

  // Its replacement is not signed either, and what was signed before is followed to its end.
  outside.isCompared = false;
  now.advance(bumpAfterMs);
  expect(await advance()).toMatchObject({ stage: 'sent', attempts: [{ hash: 'h1' }, { hash: null }] });
  expect(outside.asked).toEqual(['h1']);
  outside.status = { type: 'unseen' };
  outside.given = [];
  await advance();
  expect(outside.given).toEqual(['01']);
  outside.status = includedAs('h1');
  expect(await advance()).toMatchObject({ stage: 'final', inclusion: { hash: 'h1' } });
  await create('TX2');
  expect(await advance('TX2')).toMatchObject({ stage: 'prepared' });
});

test('what took the slot of a send may be its own, as long as not all signatures are compared', async () => {
  const { outside, process } = await world();
  const advance = process();
  await advance();
  outside.isCompared = false;
  outside.status = { type: 'impossible', reason: 'h2 has nonce 7' };
  expect(await advance()).toMatchObject({ stage: 'sent', failure: null });
  outside.isCompared = true;
  expect(await advance()).toMatchObject({ stage: 'over', failure: 'impossible' });
});

test('one process asks for a first signature once at a time, so that none is given beside a refusal', async () => {
  const { outside, process, slotsOf } = await world();
  const advance = process();
  outside.isSignerAway = true;
  await expect(advance()).rejects.toThrow('upstream_unavailable');
  outside.isSignerAway = false;
  outside.refusal = 'amount_above_day_cap';
  const states = await Promise.all([advance(), advance()]);
  expect(outside.asked).toEqual(['h1']);
  expect(states).toMatchObject([{ failure: 'signer_refused' }, { failure: 'signer_refused' }]);
  expect(await slotsOf()).toEqual([]);
});

test("nothing is signed by another key than the wallet's, and it is said loudly", async () => {
  const { outside, process, lines, slotsOf } = await world();
  const advance = process();
  outside.key = other;
  await expect(advance()).rejects.toThrow(`another key than that of wallet w on evm-1: ${other} instead of ${own}`);
  expect([outside.asked, outside.given]).toEqual([[], []]);
  expect(await slotsOf()).toEqual([{ sendId: 'TX1', signed: false }]);
  expect(lines.find(({ level }) => level === 'error')).toMatchObject({ walletId: 'w', chain: 'evm-1', signs: other });
  outside.key = own;
  expect(await advance()).toMatchObject({ stage: 'sent', attempts: [{ hash: 'h1' }] });

  // Neither is a replacement, and the first transaction is followed on.
  const again = await world();
  await again.process()();
  again.outside.key = other;
  again.now.advance(bumpAfterMs);
  again.outside.status = { type: 'pending' };
  await again.process()();
  again.outside.status = includedAs('h1');
  expect(await again.process()()).toMatchObject({ stage: 'final', inclusion: { hash: 'h1' } });
  expect(again.outside.asked).toEqual(['h1']);
});

test('who slept while another replaced what it asks for does not give up what the replacement has paid', async () => {
  const { outside, now, process, slotsOf } = await world();
  const [asked, awake] = [gate(), gate()];
  // As a chain tells it: what has taken the slot is ours only where it is among the transactions that are asked for.
  let taker: string | undefined;
  const told = async (_slot: unknown, _wallet: unknown, hashes: readonly string[]): Promise<SlotStatus> => {
    if (taker === undefined) return { type: 'pending' };
    return hashes.includes(taker) ? includedAs(taker) : { type: 'impossible', reason: `${taker} has nonce 7` };
  };
  const first = process({
    chain: {
      async statusOf(...question) {
        asked.open();
        await awake.opened;
        return told(...question);
      },
    },
  });
  const second = process({ chain: { statusOf: told } });
  await second();
  const slow = first();
  await asked.opened;
  now.advance(bumpAfterMs);
  expect(await second()).toMatchObject({ stage: 'sent', attempts: [{ hash: 'h1' }, { hash: 'h2' }] });
  expect(outside.given).toContain('02');
  taker = 'h2';
  awake.open();
  expect(await slow).toMatchObject({ stage: 'final', failure: null, inclusion: { hash: 'h2' } });
  expect(await slotsOf()).toEqual([]);
});

test('a slot that is reserved for a send which has ended keeps the next of the wallet waiting for one look', async () => {
  const { outside, process, create, reserveLate, slotsOf } = await world();
  const advance = process();
  await advance();
  outside.status = includedAs('h1');
  expect(await advance()).toMatchObject({ stage: 'final' });
  expect(await reserveLate('TX1')).toMatchObject({ ok: true });
  expect(await slotsOf()).toEqual([{ sendId: 'TX1', signed: false }]);

  outside.status = { type: 'pending' };
  await create('TX2');
  outside.price = 5;
  expect(await advance('TX2')).toMatchObject({ stage: 'sent' });
  expect(await slotsOf()).toEqual([{ sendId: 'TX2', signed: true }]);
});

describe('while payouts are stopped', () => {
  test('what was not signed waits with its money held and without a slot, and goes on when they are not', async () => {
    const { outside, process, slotsOf } = await world();
    const advance = process();
    outside.areStopped = true;
    for (let look = 0; look < 3; look++) expect(await advance()).toMatchObject({ stage: 'held', attempts: [] });
    expect([outside.asked, outside.given, await slotsOf()]).toEqual([[], [], []]);
    outside.areStopped = false;
    expect(await advance()).toMatchObject({ stage: 'sent', attempts: [{ hash: 'h1' }] });
  });

  test('what was being prepared is not signed', async () => {
    const { outside, process } = await world();
    const stopping = process({
      chain: {
        async prepare() {
          outside.areStopped = true;
          return { ok: true, prepared: preparedAt(1) };
        },
      },
    });
    expect(await stopping()).toMatchObject({ stage: 'prepared' });
    expect(outside.asked).toEqual([]);
    outside.areStopped = false;
    expect(await process()()).toMatchObject({ stage: 'sent', attempts: [{ hash: 'h1' }] });
  });

  test('what was being signed is given to no node', async () => {
    const { outside, process, signer } = await world();
    const stopping = process({
      signer: {
        async sign(asked) {
          outside.areStopped = true;
          return signer.sign(asked);
        },
      },
    });
    expect(await stopping()).toMatchObject({ stage: 'signed' });
    expect([outside.asked, outside.given]).toEqual([['h1'], []]);
    outside.areStopped = false;
    expect(await process()()).toMatchObject({ stage: 'sent' });
    expect(outside.given).toEqual(['01']);
  });

  test('the time that one waits for funds or lower fees begins anew when they go on', async () => {
    const { outside, now, process } = await world();
    const dear = process({ chain: { prepare: async () => ({ ok: false, refusal: 'fee_too_high' }) } });
    outside.areStopped = true;
    now.advance(giveUpAfterMs + 1);
    await dear();
    outside.areStopped = false;
    outside.resumedAt = now().toISOString();
    expect(await dear()).toMatchObject({ stage: 'held' });
    now.advance(giveUpAfterMs - 1);
    expect(await dear()).toMatchObject({ stage: 'held' });
    now.advance(1);
    expect(await dear()).toMatchObject({ stage: 'over', failure: 'fee_too_high' });
  });

  test('bytes that no node has taken yet are not given to one', async () => {
    const { outside, process } = await world();
    outside.isNodeAway = true;
    const advance = process();
    expect(await advance()).toMatchObject({ stage: 'sent' });
    Object.assign(outside, { isNodeAway: false, areStopped: true, status: { type: 'unseen' }, given: [] });
    await advance();
    expect(outside.given).toEqual([]);
    outside.areStopped = false;
    await advance();
    expect(outside.given).toEqual(['01']);
  });

  test('what has left is followed to its end, and not replaced', async () => {
    const { outside, now, process } = await world();
    const advance = process();
    await advance();
    outside.areStopped = true;
    now.advance(bumpAfterMs);
    expect(await advance()).toMatchObject({ stage: 'sent', attempts: [{ hash: 'h1' }, { hash: null }] });
    expect(outside.asked).toEqual(['h1']);
    outside.status = includedAs('h1');
    expect(await advance()).toMatchObject({ stage: 'final', failure: null });
  });
});
