import { AssertionError } from '@daybook/core';
import { memoryEventStore, type EventStore } from '@daybook/event-store';
import { eventually, fakeClock } from '@daybook/testing';
import {
  balances,
  engineOn,
  funded,
  issue,
  open,
  storeThatIsAway,
  stream,
  tenantId,
  transfer,
  unruly,
} from '../../test/engine-rig';
import type { BookCommand } from '../domain/book';
import type { Engine } from './engine';

test('100 transfers of 1 from a wallet with 60: 60 are accepted and 40 are refused', async () => {
  const { engine } = engineOn(memoryEventStore());
  await funded(engine, 60n);
  const outcomes = await Promise.all(Array.from({ length: 100 }, (_, i) => engine.submit(transfer(`t${i}`))));
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(60);
  expect(outcomes.filter((outcome) => !outcome.ok && outcome.rejection === 'insufficient_balance')).toHaveLength(40);
  expect(await balances(engine)).toEqual({ posted: 60n, held: 60n });
});

test('a clock that is set back does not take the book back in time', async () => {
  const clock = fakeClock('2026-01-01T00:00:00.000Z');
  const { engine } = engineOn(memoryEventStore(), { now: clock });
  await funded(engine, 60n);
  clock.advance(-3_600_000);
  expect(await engine.submit(transfer('t1'))).toMatchObject({ ok: true, at: '2026-01-01T00:00:00.000Z' });
  clock.advance(7_200_000);
  expect(await engine.submit(transfer('t2'))).toMatchObject({ ok: true, at: '2026-01-01T01:00:00.000Z' });
});

test('50 repeats of one transfer: one movement and 50 equal answers', async () => {
  const { engine } = engineOn(memoryEventStore());
  await funded(engine, 60n);
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => engine.submit(transfer('t'))));
  expect(new Set(outcomes.map((outcome) => JSON.stringify({ ...outcome, replayed: null }))).size).toBe(1);
  expect(outcomes.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(await balances(engine)).toEqual({ posted: 60n, held: 1n });
});

test('commands that arrive while an append is in flight share the next one', async () => {
  const unrulyStore = unruly(memoryEventStore());
  const { engine } = engineOn(unrulyStore.store);
  await funded(engine, 60n);
  const release = unrulyStore.hold();
  const first = engine.submit(transfer('first'));
  await Promise.resolve();
  const others = Array.from({ length: 20 }, (_, i) => engine.submit(transfer(`t${i}`)));
  release();
  await Promise.all([first, ...others]);
  expect(unrulyStore.sizes.slice(-2)).toEqual([1, 20]);
});

test('a batch takes no more commands than its cap', async () => {
  const unrulyStore = unruly(memoryEventStore());
  const { engine } = engineOn(unrulyStore.store, { batchMax: 8 });
  await funded(engine, 60n);
  await Promise.all(Array.from({ length: 20 }, (_, i) => engine.submit(transfer(`t${i}`))));
  expect(unrulyStore.sizes.slice(-3)).toEqual([8, 8, 4]);
});

test('nothing is answered before its append, reads included', async () => {
  const unrulyStore = unruly(memoryEventStore());
  const { engine } = engineOn(unrulyStore.store);
  await funded(engine, 60n);
  const release = unrulyStore.hold();
  const answered: string[] = [];
  const all = [
    engine.submit(transfer('t')).then(() => answered.push('transfer')),
    engine.submit(transfer('t')).then(() => answered.push('repeat')),
    balances(engine).then(({ held }) => answered.push(`read ${held}`)),
  ];
  await new Promise((resolve) => setImmediate(resolve));
  expect(answered).toEqual([]);
  release();
  await Promise.all(all);
  expect(answered).toEqual(['transfer', 'repeat', 'read 1']);
});

test.each(['lost before', 'lost after'] as const)(
  'an append that is %s it was stored happens once, and its callers get their answers',
  async (fate) => {
    const inner = memoryEventStore();
    const unrulyStore = unruly(inner);
    const { engine, fatal } = engineOn(unrulyStore.store);
    await funded(engine, 60n);
    const events = (await inner.readStream(stream)).length;
    unrulyStore.plan.push(fate, 'lost before');
    const outcomes = await Promise.all(['t1', 't2', 't1'].map((id) => engine.submit(transfer(id))));
    expect(outcomes.map(({ ok, replayed }) => [ok, replayed])).toEqual([
      [true, false],
      [true, false],
      [true, true],
    ]);
    expect(await inner.readStream(stream)).toHaveLength(events + 2);
    expect(await balances(engine)).toEqual({ posted: 60n, held: 2n });
    expect(fatal).toEqual([]);
  },
);

test('commands wait while an append is in doubt, and are decided when it is settled', async () => {
  const unrulyStore = unruly(memoryEventStore());
  const { engine } = engineOn(unrulyStore.store);
  await funded(engine, 60n);
  unrulyStore.plan.push('lost before', 'lost before');
  const first = engine.submit(transfer('t1', 60n));
  await new Promise((resolve) => setImmediate(resolve));
  expect(engine.ready()).toBe(false);
  const second = engine.submit(transfer('t2'));
  expect(await Promise.all([first, second])).toMatchObject([{ ok: true }, { rejection: 'insufficient_balance' }]);
});

test.each(['lost before', 'lost on the way'] as const)(
  'when an append is %s again and again, others are sent away unsent, and it is settled in the end',
  async (fate) => {
    const unrulyStore = unruly(memoryEventStore());
    const { engine } = engineOn(unrulyStore.store);
    await funded(engine, 60n);
    unrulyStore.plan.push(...Array.from({ length: 9 }, () => fate));
    const first = engine.submit(transfer('t1'));
    await new Promise((resolve) => setImmediate(resolve));
    const gone = { code: 'store_unavailable', retryable: true };
    await expect(engine.submit(transfer('t2'))).rejects.toMatchObject(gone);
    await expect(engine.submit(transfer('t3'))).rejects.toMatchObject(gone);
    expect(await first).toMatchObject({ ok: true, replayed: false });
    expect(await engine.submit(transfer('t2'))).toMatchObject({ ok: true, replayed: false });
  },
);

test('a queue that is full refuses, and what it took is done', async () => {
  const { engine } = engineOn(memoryEventStore(), { queueMax: 10 });
  await funded(engine, 60n);
  const settled = await Promise.allSettled(Array.from({ length: 15 }, (_, i) => engine.submit(transfer(`t${i}`))));
  expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
  expect(settled.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } });
  expect(await balances(engine)).toEqual({ posted: 60n, held: 10n });
});

test('an engine that is not running refuses', async () => {
  const { engine } = engineOn(memoryEventStore());
  await expect(engine.submit(open('a'))).rejects.toMatchObject({ code: 'store_unavailable' });
  await engine.start();
  await engine.submit(open('a'));
  await engine.stop();
  await expect(engine.submit(open('b'))).rejects.toMatchObject({ code: 'store_unavailable' });
});

test('stopping finishes what was taken', async () => {
  const { engine } = engineOn(memoryEventStore());
  await funded(engine, 60n);
  const outcome = engine.submit(transfer('t'));
  await engine.stop();
  expect(await outcome).toMatchObject({ ok: true });
});

test('a second start gives the same state', async () => {
  const store = memoryEventStore();
  const { engine } = engineOn(store);
  await funded(engine, 60n);
  await Promise.all([transfer('t1'), transfer('t2', 100n)].map((command) => engine.submit(command)));
  await engine.submit({ type: 'ConfirmTransfer', transferId: 't1' });
  const before = await engine.read((state) => structuredClone(state));
  await engine.stop();
  const { engine: second } = engineOn(store);
  await second.start();
  expect(await second.read((state) => structuredClone(state))).toEqual(before);
});

test('two engines on one stream: nothing is lost or doubled, and both answer what the journal says', async () => {
  const store = memoryEventStore();
  const [one, two] = [engineOn(store, { batchMax: 3 }), engineOn(store, { batchMax: 4 })];
  await funded(one.engine, 30n);
  await two.engine.start();
  const ids = Array.from({ length: 50 }, (_, i) => `t${i}`);
  const submit = (engine: Engine, order: readonly string[]) =>
    Promise.all(order.map(async (id) => [id, (await engine.submit(transfer(id))).ok] as const));
  // In opposite orders, so that each would have given the money to others.
  const answers = await Promise.all([submit(one.engine, ids), submit(two.engine, ids.toReversed())]);
  const accepted = (await store.readStream(stream)).flatMap((event) =>
    event.type === 'TransferAccepted' ? [JSON.parse(event.payload.toString()).transfer.transferId as string] : [],
  );
  expect(accepted).toHaveLength(30);
  for (const [id, ok] of answers.flat()) expect([id, ok]).toEqual([id, accepted.includes(id)]);
  expect(await balances(one.engine)).toEqual({ posted: 30n, held: 30n });
  expect(await balances(two.engine)).toEqual({ posted: 30n, held: 30n });
  expect([...one.fatal, ...two.fatal]).toEqual([]);
});

test('an engine that was overtaken shows and refuses nothing from its old state', async () => {
  const store = memoryEventStore();
  const [one, two] = [engineOn(store), engineOn(store)];
  await funded(one.engine, 60n);
  await two.engine.start();
  const freeze = (frozen: boolean): BookCommand => ({
    type: 'SetAccountFrozen',
    changeId: null,
    contentHash: null,
    accountId: 'b',
    frozen,
    actor: 'operator',
  });
  await one.engine.submit(transfer('t', 20n));
  expect(await balances(two.engine)).toEqual({ posted: 60n, held: 20n });
  await one.engine.submit(transfer('u', 10n));
  // It has never heard of the transfer: an unknown one would be refused.
  expect(await two.engine.submit({ type: 'ConfirmTransfer', transferId: 'u' })).toMatchObject({ ok: true });
  await two.engine.submit(freeze(true));
  await one.engine.submit(freeze(false));
  // To it the account is frozen already, and nothing would be left to do.
  await two.engine.submit(freeze(true));
  expect(await one.engine.read((state) => state.accounts.get('b')?.frozen)).toBe(true);
  expect([...one.fatal, ...two.fatal]).toEqual([]);
});

test('what another engine has decided alike, one by one, is not taken for an append of its own', async () => {
  const inner = memoryEventStore();
  const { store, hold } = unruly(inner);
  const [one, two] = [engineOn(inner), engineOn(store)];
  await funded(one.engine, 60n);
  await two.engine.start();
  const release = hold();
  // One append of both, which ends with the very bytes that end the second of the other engine's.
  const late = ['t', 'u'].map((id) => two.engine.submit(transfer(id)));
  for (const id of ['t', 'u']) expect(await one.engine.submit(transfer(id))).toMatchObject({ replayed: false });
  release();
  for (const answer of await Promise.all(late)) expect(answer).toMatchObject({ ok: true, replayed: true });
  expect(await balances(two.engine)).toEqual({ posted: 60n, held: 2n });
  expect([...one.fatal, ...two.fatal]).toEqual([]);
});

test('an engine that decides what another has stored shows nothing from before what the other stored then', async () => {
  const store = memoryEventStore();
  const [one, two] = [engineOn(store), engineOn(store)];
  await funded(one.engine, 60n);
  await two.engine.start();
  await one.engine.submit(transfer('t', 20n));
  await one.engine.submit(transfer('u', 10n));
  // Where it stands, the repeat is recorded as the first was, at the same time and with the same bytes.
  const repeat = two.engine.submit(transfer('t', 20n));
  const shown = balances(two.engine);
  const confirmed = two.engine.submit({ type: 'ConfirmTransfer', transferId: 'u' });
  expect(await repeat).toMatchObject({ ok: true, replayed: true });
  expect(await shown).toEqual({ posted: 60n, held: 30n });
  expect(await confirmed).toMatchObject({ ok: true });
  expect([...one.fatal, ...two.fatal]).toEqual([]);
});

test('an engine without work follows what another writes, without being asked', async () => {
  const store = memoryEventStore();
  const [one, two] = [engineOn(store), engineOn(store, { follows: true })];
  await funded(one.engine, 60n);
  await two.engine.start();
  await one.engine.submit(transfer('t', 20n));
  // A question would make it look by itself, so only its log is looked at.
  await eventually(
    () => expect(two.lines.some(({ msg }) => msg === 'another writer appended: stepping down to follow it')).toBe(true),
    { timeoutMs: 5_000 },
  );
  expect(await balances(two.engine)).toEqual({ posted: 60n, held: 20n });
  expect(await two.engine.submit(transfer('u', 50n))).toMatchObject({ ok: false, rejection: 'insufficient_balance' });
  await two.engine.stop();
  expect([...one.fatal, ...two.fatal]).toEqual([]);
});

test('a read is refused while the store does not say whether the state is the newest', async () => {
  let away = false;
  const store = storeThatIsAway('readStream', () => away);
  const { engine, fatal } = engineOn(store);
  await funded(engine, 60n);
  away = true;
  await expect(balances(engine)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
  away = false;
  expect(await balances(engine)).toEqual({ posted: 60n, held: 0n });
  expect(fatal).toEqual([]);
});

test('bulks that arrive while an append is in flight do not add up to an append without bounds', async () => {
  const unrulyStore = unruly(memoryEventStore());
  const { engine, fatal } = engineOn(unrulyStore.store, { batchMax: 10 });
  await funded(engine, 60n);
  unrulyStore.sizes.length = 0;
  const release = unrulyStore.hold();
  const bulks = Array.from({ length: 12 }, (_, bulk) =>
    engine.submitTogether(Array.from({ length: 5 }, (_each, n) => transfer(`t${bulk}-${n}`))),
  );
  await eventually(async () => expect(unrulyStore.sizes).toHaveLength(1), { timeoutMs: 5_000 });
  release();
  expect((await Promise.all(bulks)).every(({ ok }) => ok)).toBe(true);
  expect(Math.max(...unrulyStore.sizes)).toBeLessThan(10 + 5);
  expect(fatal).toEqual([]);
});

test('a caller whose command could not be recorded is not told again that the store was away', async () => {
  let away = false;
  const store = storeThatIsAway('readStream', () => away);
  const { engine } = engineOn(store);
  await funded(engine, 60n);
  away = true;
  const told: unknown[] = [];
  const unrecordable = { ...issue(10n ** 38n), transactionId: 'much' } as BookCommand;
  engine.post(unrecordable, { correlationId: 'c', causationId: null } as never, (error) => told.push(error));
  await expect(balances(engine)).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(told).toHaveLength(1);
});

test('an engine that gave up on a store that was away takes commands again after its next start', async () => {
  let away = true;
  const store = storeThatIsAway('append', () => away);
  const { engine } = engineOn(store);
  await engine.start();
  const lost = engine.submit(open('a'));
  lost.catch(() => undefined);
  await engine.stop();
  await expect(lost).rejects.toMatchObject({ code: 'outcome_unknown' });
  away = false;
  await engine.start();
  expect(await engine.submit(open('a'))).toMatchObject({ ok: true, replayed: false });
});

test('a command that cannot be recorded fails alone and leaves no trace', async () => {
  const store = memoryEventStore();
  const { engine, fatal } = engineOn(store);
  await funded(engine, 60n);
  const most = 10n ** 38n - 1n;
  const post = (transactionId: string, applied: bigint, refundable: bigint): BookCommand => ({
    type: 'PostFact',
    transactionId,
    contentHash: 'e'.repeat(64),
    fact: {
      type: 'intent_payment',
      depositId: transactionId,
      intentId: 'i',
      tenantId,
      chain: 'evm-1',
      asset: 'ETH',
      applied,
      refundable,
    },
    effectiveAt: '2026-01-01T00:00:00.000Z',
  });
  const [before, poison, after] = await Promise.allSettled(
    [transfer('t1'), post('d1', most, most), post('d2', 5n, 1n)].map((command) => engine.submit(command)),
  );
  expect(before).toMatchObject({ value: { ok: true } });
  expect(poison).toMatchObject({ reason: { name: 'Unrecordable' } });
  expect(after).toMatchObject({ value: { ok: true } });
  expect(fatal).toEqual([]);
  const { engine: second } = engineOn(store);
  await second.start();
  expect(await second.read((state) => structuredClone(state))).toEqual(
    await engine.read((state) => structuredClone(state)),
  );
  expect(await second.read((state) => state.records.has('d1'))).toBe(false);
});

test('a broken invariant stops the engine and is reported', async () => {
  const inner = memoryEventStore();
  const broken: EventStore = {
    ...inner,
    append: () => Promise.reject(new AssertionError('event id exists elsewhere')),
  };
  const { engine, fatal } = engineOn(broken);
  await engine.start();
  await expect(engine.submit(open('a'))).rejects.toMatchObject({ code: 'outcome_unknown' });
  expect(fatal).toHaveLength(1);
  await expect(engine.submit(open('a'))).rejects.toMatchObject({ code: 'store_unavailable' });
});

test('a journal whose chain was tampered with does not open', async () => {
  const inner = memoryEventStore();
  await funded(engineOn(inner).engine, 60n);
  const tampered: EventStore = {
    ...inner,
    async *scanStream(...args) {
      for await (const events of inner.scanStream(...args)) {
        yield events.map((event) =>
          event.revision === 0n
            ? { ...event, payload: Buffer.from(event.payload.toString().replace('"a"', '"x"')) }
            : event,
        );
      }
    },
  };
  await expect(engineOn(tampered).engine.start()).rejects.toThrow('the chain of hashes breaks at 1');
});
