/** What the signer has signed, beside what is recorded: ours, lost, somebody else's, and a signer that is not there. */
import { OperationalError } from '@daybook/core';
import { commandHandler, memoryEventStore } from '@daybook/event-store';
import { requestDigest, type SignedPage } from '@daybook/signer';
import { fakeClock, testLogger } from '@daybook/testing';
import { preparedAt, sampleStart as start, sampleTerms, sampleWallet as wallet } from '../../test/evm-sample';
import { sendEvents, walletEvents } from '../adapters/stored-sends';
import { chainSend, type SendCommand } from '../domain/chain-send';
import type { ChainSendTerms } from '../domain/send-state';
import { hotWallet } from '../domain/wallet';
import type { Prepared } from '../ports';
import { compareSignatures } from './compare-signatures';
import { signRequestOf } from './send-steps';
import { sendStream, walletStream } from './send-streams';

const minute = 60_000;
const termsOf = (transactionId: string): ChainSendTerms => ({
  ...sampleTerms,
  transactionId,
  mode: transactionId.startsWith('live') ? 'live' : 'sandbox',
});

type Signature = SignedPage['signatures'][number];

/** A log, a table, and a signer with the signatures given; `isAway` and `hasRoute` are for the test to change. */
async function world() {
  const now = fakeClock(start);
  const log = memoryEventStore(now);
  const sends = commandHandler(chainSend, sendEvents, log);
  const wallets = commandHandler(hotWallet, walletEvents, log);
  const context = { commandId: 'c', correlationId: 'c', causationId: 'c' };
  await wallets.handle(walletStream('w'), { type: 'OpenWallet', wallet, at: start }, context);
  const signer = { journal: [] as Signature[], isAway: false, hasRoute: true, asked: 0 };
  let place = 0;

  async function recorded(sendId: string, ...commands: SendCommand[]): Promise<void> {
    const created = { type: 'CreateSend', terms: termsOf(sendId), oldDigests: [] } as const;
    for (const [index, command] of [created, ...commands].entries()) {
      const outcome = await sends.handle(sendStream(sendId), command, { ...context, commandId: `${sendId}-${index}` });
      if (!outcome.ok) throw new Error(`${command.type}: ${outcome.rejection}`);
    }
  }

  /** The signer gives a signature of what is prepared so. Its id is not told by what was prepared. */
  function signs(sendId: string, transactionId: string, prepared = preparedAt(1)): void {
    const digest = requestDigest(signRequestOf(termsOf(sendId), wallet, prepared));
    signer.journal.push({ place: signer.journal.length + 1, sendId, transactionId, digest, at: Date.parse(start) });
  }

  function process() {
    const { logger, lines } = testLogger();
    const stops: string[] = [];
    /** Reasons that a person has seen, and let payouts go on. */
    const seen = new Set<string>();
    let isDown = false;
    const comparison = compareSignatures({
      signer: {
        async signedAfter({ after, limit }) {
          signer.asked += 1;
          if (signer.isAway) throw new OperationalError('upstream_unavailable', true);
          if (!signer.hasRoute) return undefined;
          return { total: signer.journal.length, signatures: signer.journal.slice(after, after + limit) };
        },
      },
      sends,
      wallets,
      comparedPlace: {
        read: async () => place,
        move: async (from, next) => void (place = place === from ? next : place),
      },
      async stopPayouts(reason) {
        stops.push(reason);
        if (isDown) throw new OperationalError('store_unavailable', true);
        return !seen.has(reason);
      },
      now,
      logger,
    });
    /** As a worker does: until nothing is due at once. */
    async function compared(): Promise<void> {
      for (let look = 0; look < 5; look++) if ((await comparison.pass())! > now()) return;
      throw new Error('the comparison does not come to an end');
    }
    const said = (level: string) => lines.filter((line) => line.level === level).map(({ msg }) => msg);
    return { ...comparison, compared, stops, seen, said, down: (is: boolean) => (isDown = is) };
  }
  return { now, signer, recorded, signs, process, place: () => place, setPlace: (at: number) => (place = at) };
}

const held = { type: 'RecordHeld', at: start } as const;
const prepare = (attempt: number, prepared = preparedAt(attempt)) =>
  ({ type: 'RecordPrepared', attempt, prepared, at: start }) as const;
const sign = (attempt: number, hash: string) =>
  ({ type: 'RecordSigned', attempt, hash, bytes: '00', at: start }) as const;
const strange = (sendId: string, transactionId: string, place: number, more = '') =>
  `the signer has signed send ${sendId} at ${start}, which is not recorded here${more}: was a database restored, or does ` +
  `somebody else use its token? (transaction ${transactionId}, signature ${place} of its journal)`;

test('what is recorded is ours, of whatever mode, replacements too, and so is what is prepared and not signed', async () => {
  const { now, signer, recorded, signs, process, place } = await world();
  await recorded('TX1', held, prepare(1), sign(1, 'h1'), prepare(2), sign(2, 'h2'));
  await recorded('live-TX2', held, prepare(1));
  signs('TX1', 'h1', preparedAt(1));
  signs('live-TX2', 'h9', preparedAt(1));
  signs('TX1', 'h2', preparedAt(2));
  const { ready, compared, stops } = process();
  expect(ready()).toBe(false);
  await compared();
  expect([ready(), place(), stops]).toEqual([true, 3, []]);

  // Then once a minute, from where it was.
  const { asked } = signer;
  now.advance(minute - 1);
  await compared();
  expect(signer.asked).toBe(asked);
  await recorded('TX3', held, prepare(1), sign(1, 'h3'), prepare(2));
  signs('TX3', 'h3');
  signs('TX3', 'h4', preparedAt(2));
  now.advance(1);
  await compared();
  expect([signer.asked, ready(), place(), stops]).toEqual([asked + 1, true, 5, []]);
});

test('more than a page is compared page by page, between which a worker can stop, and it is ready at the end', async () => {
  const { recorded, signs, process, place, now } = await world();
  for (let index = 0; index < 250; index++) {
    await recorded(`TX${index}`, held, prepare(1), sign(1, `h${index}`));
    signs(`TX${index}`, `h${index}`);
  }
  const { pass, ready } = process();
  const seen: unknown[] = [];
  for (let look = 0; look < 4; look++) seen.push([(await pass())! > now(), ready(), place()]);
  expect(seen).toEqual([
    [false, false, 100],
    [false, false, 200],
    [true, true, 250],
    [true, true, 250],
  ]);
});

test('a signature of a send that is not recorded stops payouts, at every look, and the place stays before it', async () => {
  const { now, recorded, signs, process, place } = await world();
  await recorded('TX1', held, prepare(1), sign(1, 'h1'));
  await recorded('TX3', held, prepare(1), sign(1, 'h3'));
  signs('TX1', 'h1');
  const { ready, compared, stops, seen, said } = process();
  await compared();
  expect([ready(), place()]).toEqual([true, 1]);
  signs('TX2', 'h2');
  signs('TX3', 'h3');
  const reason = strange('TX2', 'h2', 2);
  for (let look = 1; look <= 3; look++) {
    now.advance(minute);
    await compared();
    expect([ready(), place(), stops]).toEqual([false, 1, Array.from({ length: look }, () => reason)]);
  }
  // The log has it once.
  expect(said('error')).toEqual([reason]);
  // A person has seen to it.
  seen.add(reason);
  now.advance(minute);
  await compared();
  expect([ready(), place(), stops.length]).toEqual([true, 3, 4]);
});

test('several are told together, and are seen together; one that comes later is told anew', async () => {
  const { now, recorded, signs, process, place } = await world();
  for (let index = 1; index <= 250; index++) {
    if (index % 100 !== 0) await recorded(`TX${index}`, held, prepare(1), sign(1, `h${index}`));
    signs(`TX${index}`, `h${index}`);
  }
  const { ready, compared, stops, seen } = process();
  await compared();
  const both = strange('TX100', 'h100', 100, ', and 1 more times up to signature 200');
  expect([ready(), place(), stops]).toEqual([false, 99, [both]]);
  signs('TX251', 'h251');
  now.advance(minute);
  await compared();
  const three = strange('TX100', 'h100', 100, ', and 2 more times up to signature 251');
  expect(stops).toEqual([both, three]);
  // Who has seen the first two has not seen the third.
  seen.add(both);
  now.advance(minute);
  await compared();
  expect([ready(), place()]).toEqual([false, 99]);
  seen.add(three);
  now.advance(minute);
  await compared();
  expect([ready(), place()]).toEqual([true, 251]);
});

test('as long as payouts cannot be stopped, it is tried again at once, and this process signs nothing', async () => {
  const { now, signs, process } = await world();
  const { ready, pass, compared, stops, said, down } = process();
  await compared();
  expect(ready()).toBe(true);
  signs('TX2', 'h2');
  down(true);
  now.advance(minute);
  for (let look = 1; look <= 3; look++) {
    await expect(pass()).rejects.toThrow('store_unavailable');
    expect([ready(), stops.length, said('error').length]).toEqual([false, look, 1]);
  }
});

test.each<[string, readonly SendCommand[], Prepared]>([
  ['was never prepared', [held], preparedAt(1)],
  ['was made again after a restore, with another nonce', [held, prepare(1)], preparedAt(1, 6)],
  ['is recorded with another transaction', [held, prepare(1), sign(1, 'h1')], preparedAt(1)],
  ['has a replacement that is lost', [held, prepare(1), sign(1, 'h1')], preparedAt(2)],
  ['has a replacement prepared that is another', [held, prepare(1), sign(1, 'h1'), prepare(2)], preparedAt(3)],
])('a signature of a send that %s is none of ours', async (_what, commands, signed) => {
  const { recorded, signs, process, place } = await world();
  await recorded('TX1', ...commands);
  signs('TX1', 'h0', signed);
  const { ready, compared, stops } = process();
  await compared();
  expect([ready(), place(), stops]).toEqual([false, 0, [strange('TX1', 'h0', 1)]]);
});

test('a journal that is shorter than what was compared is another one', async () => {
  const { now, recorded, signs, process, place, setPlace } = await world();
  await recorded('TX1', held, prepare(1), sign(1, 'h1'));
  signs('TX1', 'h1');
  setPlace(2);
  const { ready, compared, stops, seen, said } = process();
  await compared();
  const reason =
    'the signer has signed 1 times, and 2 were compared: was its directory replaced or restored, or is it another signer?';
  expect([ready(), place(), stops, said('error')]).toEqual([false, 2, [reason], [reason]]);
  // Seen by a person, it is what is compared from then on.
  seen.add(reason);
  now.advance(minute);
  await compared();
  expect([ready(), place()]).toEqual([true, 1]);
});

test('a signer that is away says nothing: it is asked again at once, and what was known stays known', async () => {
  const { now, signer, process } = await world();
  const { ready, pass, compared, stops } = process();
  signer.isAway = true;
  for (let look = 0; look < 2; look++) await expect(pass()).rejects.toThrow('upstream_unavailable');
  expect([ready(), signer.asked]).toEqual([false, 2]);
  signer.isAway = false;
  await compared();
  expect(ready()).toBe(true);
  signer.isAway = true;
  now.advance(minute);
  await expect(pass()).rejects.toThrow('upstream_unavailable');
  expect([ready(), stops]).toEqual([true, []]);
});

test('a signer that does not tell what it has signed is believed, which is said once', async () => {
  const { now, signer, process } = await world();
  signer.hasRoute = false;
  const { ready, compared, said } = process();
  for (let look = 0; look < 3; look++) {
    await compared();
    now.advance(minute);
  }
  expect([ready(), said('warn')]).toEqual([true, [expect.stringContaining('does not tell what it has signed')]]);
});

test('of two processes that compare at once neither goes back, and both stop', async () => {
  const { now, recorded, signs, process, place } = await world();
  const [one, two] = [process(), process()];
  for (const id of ['TX1', 'TX2']) {
    await recorded(id, held, prepare(1), sign(1, id));
    signs(id, id);
  }
  await Promise.all([one.compared(), two.compared()]);
  expect([one.ready(), two.ready(), place()]).toEqual([true, true, 2]);
  signs('TX3', 'h3');
  now.advance(minute);
  await Promise.all([one.compared(), two.compared()]);
  expect([one.stops, two.stops, place()]).toEqual([[strange('TX3', 'h3', 3)], [strange('TX3', 'h3', 3)], 2]);
});
