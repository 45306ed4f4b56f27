/**
 * A process that brings sends on may end anywhere. Here it ends, by seeds, before or after any of its effects: the holds, the
 * reserved slot, the signature, the stored bytes, the broadcast, what the chain told. Another goes on. Whatever the seed,
 * at most one transaction of a send is on the chain, and the ledger says what the chain says.
 */
import { randomUUID } from 'node:crypto';
import { postgresEventStore, type EventStore } from '@daybook/event-store';
import { callClient, type CallClient } from '@daybook/http';
import { eventually, seededRandom } from '@daybook/testing';
import { merchant, newAddress, owner, sendRig, type SendRig } from './send-rig';
import { valueOf } from './value-of';
import { Crash, processThatEnds, type End } from './simulation/send-process';

const hasTime = process.env['CI'] === 'true' || process.env['LONG_TESTS'] === 'true';
const crashesWanted = hasTime ? 100 : 12;
const atOnce = 4;
const ether = 10n ** 18n;
const amount = 10n ** 15n;
/** The six steps of a send, by what the process that takes them does. */
const steps = ['hold', 'append SlotReserved', 'sign', 'append SendSigned', 'broadcast', 'receipt'] as const;
const places = steps.flatMap((step) => [`before ${step}`, `after ${step}`]);
/** About what a send has from its request to its end. */
const effectsMax = 40;

let rig: SendRig;
let wallet: string;
let store: EventStore;
let ledger: CallClient;
beforeAll(async () => {
  // The service's own worker keeps out of it.
  rig = await sendRig({ SEND_POLL_MS: '60000' });
  wallet = await rig.fund(3n * ether);
  store = postgresEventStore(rig.database.pool('settlement'));
  ledger = callClient({ baseUrl: rig.ledgerUrl, token: rig.token });
}, 60_000);
afterAll(async () => {
  await ledger.stop();
  await rig.close();
});

const placesLeft = (where: readonly string[]) => places.filter((place) => !where.includes(place));

/** One request, repeated by its client until it is answered and by the chain until it is done. */
async function sendThrough(
  { seed, place, toAddress }: { readonly seed: number; readonly place: string; readonly toAddress: string },
  where: string[],
): Promise<string> {
  const random = seededRandom(seed);
  const request = {
    ...owner,
    idempotencyKey: randomUUID(),
    asset: 'ETH',
    toAddress,
    amount,
    useContract: false,
    description: null,
    userNumber: null,
  } as const;
  const ends: End[] = [{ place }, { effects: 1 + random.below(effectsMax) }];
  for (;;) {
    const process = processThatEnds({ rig, store, ledger }, ends.shift() ?? null, (what) => void where.push(what));
    try {
      while (!process.signaturesCompared()) await process.compareSignatures();
      for (let look = 0; look < 60; look++) {
        const { send } = valueOf(await process.createSend(request));
        if (send.status === 'processing' && send.fee !== null) return send.transactionId;
        if (send.status === 'completed') return send.transactionId;
        await rig.mine(1);
      }
      throw new Error(`send of seed ${seed} does not come to an end`);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  }
}

test(
  'wherever a process ends, a send is on the chain once, and the ledger equals the chain',
  async () => {
    const before = await rig.account(merchant);
    const nonce = await rig.nonceOf(wallet);
    const where: string[] = [];
    const sends: { readonly transactionId: string; readonly toAddress: string }[] = [];
    for (let seed = 0; where.length < crashesWanted || placesLeft(where).length > 0; seed += atOnce) {
      // Another process, the service's own, may have taken the step meanwhile: then the place is tried again.
      const [left, toAddresses] = [placesLeft(where), Array.from({ length: atOnce }, newAddress)];
      const through = toAddresses.map((toAddress, index) => {
        const place = left[index] ?? places[(seed + index) % places.length]!;
        return sendThrough({ seed: seed + index, place, toAddress }, where);
      });
      const ids = await Promise.all(through);
      sends.push(...toAddresses.map((toAddress, index) => ({ toAddress, transactionId: ids[index]! })));
    }

    for (const { toAddress } of sends) expect(await rig.balanceOf(toAddress)).toBe(amount);
    expect(await rig.nonceOf(wallet)).toBe(nonce + sends.length);
    let fees = 0n;
    for (const { transactionId } of sends) {
      await eventually(async () => expect((await rig.sendOf(transactionId)).status).toBe('completed'), {
        timeoutMs: 20_000,
      });
      fees += (await rig.sendOf(transactionId)).fee!;
    }
    const spent = amount * BigInt(sends.length) + fees;
    expect(await rig.account(merchant)).toMatchObject({ posted: before.posted - spent, held: 0n });
    await rig.mine(2);
    expect(await rig.wallets()).toMatchObject([{ address: wallet, difference: 0n }]);
    // Every signature was known before it was given, whoever had it given and died; here, one after the other.
    const last = processThatEnds({ rig, store, ledger }, null, () => undefined);
    await rig.database.pool('settlement').query('update compared_signatures set place = 0');
    while (!last.signaturesCompared()) await last.compareSignatures();
    expect(rig.lines.filter(({ level }) => level === 'error')).toEqual([]);
    await rig.booksBalance();
  },
  hasTime ? 600_000 : 120_000,
);
