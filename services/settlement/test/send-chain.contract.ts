import { isOperationalError } from '@daybook/core';
import { seededRandom } from '@daybook/testing';
import type { AssetCode } from '@daybook/money';
import type { Prepared, SendChain, SendTerms, SlotStatus, TakenSlot } from '../src/ports';
import type { Asked } from './lying-wire';
import type { SendTestChain, SignedBytes } from './send-test-chain';

/** Of a node in this process, on a machine that has much else to do. */
const schedulesTimeoutMs = 240_000;

type Options = {
  /** Random schedules of lost answers, restarts, reorgs and raised fees. */
  readonly schedules: number;
  readonly mistold?: readonly Mistold[];
};

/** What a node may tell of a payment that is final, and the words that refuse it. */
type Mistold = {
  readonly what: string;
  readonly of: 'coin' | 'token';
  about(asked: Asked): boolean;
  answer(answer: string, transactionId: string): string;
  readonly refusal: string;
};

/** A send as its service knows it: what was prepared and signed is stored, all else is asked. */
type Send = { readonly terms: SendTerms; prepared: Prepared; readonly signed: SignedBytes[] };

/**
 * What every chain that value leaves on owes, whatever is behind the port: one send, at most one payment. A chain that needs
 * an exception is not a chain.
 */
export function describeSendChain(name: string, create: () => Promise<SendTestChain>, options: Options): void {
  const { schedules, mistold = [] } = options;
  describe(`sends on ${name}`, () => {
    let chain: SendTestChain;
    let sends: SendChain;
    let made = 0;
    beforeAll(async () => {
      chain = await create();
      sends = await chain.connect();
      await sends.verify();
    });
    afterAll(() => chain?.stop());
    afterEach(() => chain.wire.honest());

    async function termsFor(asset: AssetCode, amount: bigint, feeCap: bigint | null = null): Promise<SendTerms> {
      const toAddress = await chain.newAddress();
      return { sendId: `send-${++made}`, asset, amount, toAddress, useContract: false, feeCap };
    }
    async function prepared(terms: SendTerms, taken: readonly TakenSlot[] = []): Promise<Prepared> {
      const preparing = await sends.prepare(terms, chain.wallet, taken);
      if (!preparing.ok) throw new Error(preparing.refusal);
      return preparing.prepared;
    }
    async function newSend(
      asset = chain.native,
      amount = chain.amount,
      taken: readonly TakenSlot[] = [],
    ): Promise<Send> {
      const terms = await termsFor(asset, amount);
      const first = await prepared(terms, taken);
      return { terms, prepared: first, signed: [await chain.sign(terms.sendId, first.transaction)] };
    }
    const give = ({ signed }: Send) => sends.broadcast(signed.at(-1)!.bytes);
    const statusOf = ({ prepared: { slot }, signed }: Send) =>
      sends.statusOf(
        slot,
        chain.wallet,
        signed.map(({ transactionId }) => transactionId),
      );
    const received = ({ terms }: Send) => chain.receivedBy(terms.toAddress, terms.asset);
    const final = () => chain.mine(chain.finality);
    async function finished(send: Send): Promise<Extract<SlotStatus, { type: 'included' }>> {
      await final();
      const status = await statusOf(send);
      if (status.type !== 'included' || !status.final) throw new Error(`${JSON.stringify(status.type)} is not final`);
      return status;
    }
    const outcomeOf = (promise: Promise<unknown>) =>
      promise.then(
        () => 'done',
        (error: unknown) => (isOperationalError(error) ? 'unknown' : Promise.reject(error)),
      );
    const raise = async (send: Send): Promise<boolean> => {
      const bumped = await sends.bump(send.terms, send.prepared);
      if (bumped === undefined) return false;
      send.prepared = bumped;
      send.signed.push(await chain.sign(send.terms.sendId, bumped.transaction));
      return true;
    };

    test('a payment arrives once, is final at its depth, and costs what is told', async () => {
      const before = await chain.held(chain.native);
      const send = await newSend();
      expect(await statusOf(send)).toEqual({ type: 'unseen' });
      await give(send);
      expect(['pending', 'unseen']).toContain((await statusOf(send)).type);
      await chain.mine(1);
      expect(await statusOf(send)).toMatchObject({ type: 'included', final: false, succeeded: true });
      const { fee, transactionId } = await finished(send);
      expect(transactionId).toBe(send.signed[0]!.transactionId);
      expect(await received(send)).toBe(chain.amount);
      expect(before - (await chain.held(chain.native))).toBe(chain.amount + fee);
      expect(fee).toBeGreaterThan(0n);
      expect(fee).toBeLessThanOrEqual(send.prepared.maxFee);
    });

    for (const { what, of, about, answer, refusal } of mistold)
      test(`a payment that arrived is neither a failure nor another one where a node tells ${what}`, async () => {
        const send = of === 'token' ? await newSend(chain.token!.asset, chain.token!.amount) : await newSend();
        await give(send);
        await finished(send);
        chain.wire.lie(about, (told) => answer(told, send.signed[0]!.transactionId));
        await expect(statusOf(send)).rejects.toThrow(refusal);
        chain.wire.honest();
        expect(await finished(send)).toMatchObject({ succeeded: true });
      });

    test('the same bytes again, whenever they come, pay nothing more', async () => {
      const send = await newSend();
      for (let mined = 0; mined <= chain.finality; mined++) {
        for (let times = 0; times < 2; times++) await outcomeOf(give(send));
        await chain.mine(1);
      }
      await finished(send);
      expect(await received(send)).toBe(chain.amount);
    });

    test('what the node already has is given', async () => {
      const send = await newSend();
      await give(send);
      const { alreadyKnown } = chain;
      if (alreadyKnown !== undefined) chain.wire.lie(chain.isBroadcast, alreadyKnown);
      await give(send);
      await finished(send);
      expect(await received(send)).toBe(chain.amount);
    });

    test('a lost answer is neither a failure nor a second payment', async () => {
      const send = await newSend();
      chain.wire.lie(chain.isBroadcast, 'lost');
      expect(await outcomeOf(give(send))).toBe('unknown');
      chain.wire.honest();
      await chain.mine(1);
      expect(await statusOf(send)).toMatchObject({ type: 'included' });
      await outcomeOf(give(send));
      await finished(send);
      expect(await received(send)).toBe(chain.amount);
    });

    test('what never reached the node is unseen, and can still be given', async () => {
      const send = await newSend();
      chain.wire.lie(chain.isBroadcast, 'refused');
      expect(await outcomeOf(give(send))).toBe('unknown');
      await chain.mine(2);
      expect(await statusOf(send)).toEqual({ type: 'unseen' });
      chain.wire.honest();
      await give(send);
      await finished(send);
      expect(await received(send)).toBe(chain.amount);
    });

    test('a node that has forgotten a payment does not make it impossible, however late it is', async () => {
      const send = await newSend();
      await give(send);
      await chain.mine((chain.lifetime ?? 0) + chain.finality + 2);
      const told = () =>
        statusOf(send).catch((error: unknown) => {
          if (!isOperationalError(error)) throw error;
          return { type: 'unknown' };
        });
      chain.forgetful();
      expect((await told()).type).not.toBe('impossible');
      chain.bodiless?.();
      expect((await told()).type).not.toBe('impossible');
      chain.wire.honest();
      expect(await statusOf(send)).toMatchObject({ type: 'included', final: true });
    });

    test('a slot that is lost is impossible once that is final, and not before', async () => {
      const send = await newSend();
      const { takeSlot, lifetime = 0 } = chain;
      if (takeSlot === undefined) await chain.mine(lifetime - chain.finality);
      else await takeSlot(send.prepared.slot);
      expect((await statusOf(send)).type).not.toBe('impossible');
      await chain.mine(takeSlot === undefined ? 2 * chain.finality + 2 : chain.finality - 1);
      expect(await statusOf(send)).toMatchObject({ type: 'impossible' });
      await outcomeOf(give(send));
      await final();
      expect(await received(send)).toBe(0n);
      expect(await statusOf(send)).toMatchObject({ type: 'impossible' });
    });

    test('a payment that a reorganisation dropped is not included, and is given again', async () => {
      const send = await newSend();
      await give(send);
      await chain.mine(1);
      expect(await statusOf(send)).toMatchObject({ type: 'included', final: false });
      await chain.drop(1);
      expect(['unseen', 'pending']).toContain((await statusOf(send)).type);
      await give(send);
      await finished(send);
      expect(await received(send)).toBe(chain.amount);
    });

    test('a raised fee replaces, or there is none: one of the transactions pays', async () => {
      const send = await newSend();
      await give(send);
      const { maxFee } = send.prepared;
      const hasRisen = await raise(send);
      if (hasRisen) {
        expect(send.signed[1]!.transactionId).not.toBe(send.signed[0]!.transactionId);
        expect(send.prepared.slot).toEqual({ ...send.prepared.slot });
        await give(send);
      } else expect(send.prepared.maxFee).toBe(maxFee);
      const { transactionId } = await finished(send);
      expect(transactionId).toBe(send.signed.at(-1)!.transactionId);
      expect(await received(send)).toBe(chain.amount);
      for (const { bytes } of send.signed) await outcomeOf(sends.broadcast(bytes));
      await final();
      expect(await received(send)).toBe(chain.amount);
    });

    test('several open sends have slots and coins of their own, and all are paid', async () => {
      const open: Send[] = [];
      const takenBy = ({ prepared: { slot, maxFee }, terms: { asset, amount } }: Send): TakenSlot => ({
        slot,
        spends: [
          { asset, amount },
          { asset: sends.feeAsset, amount: maxFee },
        ],
      });
      for (let at = 0; at < 3; at++) open.push(await newSend(chain.native, chain.amount, open.map(takenBy)));
      expect(new Set(open.map(({ signed }) => signed[0]!.transactionId)).size).toBe(3);
      for (const send of open) await give(send);
      await chain.mine(1);
      for (const send of open) {
        await finished(send);
        expect(await received(send)).toBe(chain.amount);
      }
    });

    test('more than the wallet has, and fees above their cap, are refused', async () => {
      const held = await chain.held(chain.native);
      const all = await sends.prepare(await termsFor(chain.native, held), chain.wallet, []);
      expect(all).toEqual({ ok: false, refusal: 'insufficient_funds' });
      const terms = await termsFor(chain.native, chain.amount, 1n);
      expect(await sends.prepare(terms, chain.wallet, [])).toEqual({ ok: false, refusal: 'fee_too_high' });
      const spends = [{ asset: chain.native, amount: held }];
      const { slot } = await prepared(await termsFor(chain.native, chain.amount));
      if (slot.family === 'bitcoin') return; // Its coins are taken one by one, not by amounts.
      const beside = await sends.prepare(await termsFor(chain.native, chain.amount), chain.wallet, [{ slot, spends }]);
      expect(beside).toEqual({ ok: false, refusal: 'insufficient_funds' });
    });

    test('balances are told by the final state and by the newest', async () => {
      const send = await newSend();
      const before = await sends.balanceOf(chain.wallet.address, chain.native);
      await give(send);
      await chain.mine(1);
      const { final: still, now } = await sends.balanceOf(chain.wallet.address, chain.native);
      expect(still).toBe(before.final);
      expect(now).toBeLessThan(before.now);
      const { fee } = await finished(send);
      expect((await sends.balanceOf(chain.wallet.address, chain.native)).final).toBe(before.final - chain.amount - fee);
    });

    test('a token is paid, and its fee in the native asset', async () => {
      if (chain.token === undefined) return;
      const { asset, amount } = chain.token;
      const [native, tokens] = [await chain.held(chain.native), await chain.held(asset)];
      const send = await newSend(asset, amount);
      await give(send);
      const { fee } = await finished(send);
      expect(await received(send)).toBe(amount);
      expect(tokens - (await chain.held(asset))).toBe(amount);
      expect(native - (await chain.held(chain.native))).toBe(fee);
      expect(fee).toBeLessThanOrEqual(send.prepared.maxFee);
    });

    test('a transaction that fails on the chain costs its fee and pays nothing', async () => {
      if (chain.failNext === undefined || chain.token === undefined) return;
      const send = await newSend(chain.token.asset, chain.token.amount);
      const native = await chain.held(chain.native);
      await give(send);
      await chain.failNext();
      const { succeeded, fee } = await finished(send);
      expect(succeeded).toBe(false);
      expect(await received(send)).toBe(0n);
      expect(native - (await chain.held(chain.native))).toBe(fee);
    });

    test('an address in another spelling is the same address, and what is none is refused', async () => {
      const address = await chain.newAddress();
      expect(sends.canonical(address)).toBe(address);
      for (const none of ['', 'x', `${address}0`, address.slice(0, 20), '<script>', ` ${address}`])
        expect(sends.canonical(none)).toBeUndefined();
    });

    test(
      'over random schedules of lost answers, restarts, reorgs and raised fees, a send pays once or not at all',
      async () => {
        for (let seed = 1; seed <= schedules; seed++) {
          const random = seededRandom(seed);
          const send = await newSend();
          for (let step = 0; step < 12; step++) {
            const at = random.below(8);
            if (at === 0) chain.wire.lie(chain.isBroadcast, random.chance(0.5) ? 'lost' : 'refused');
            if (at === 1) chain.wire.honest();
            if (at <= 3) await outcomeOf(give(send));
            if (at === 4) sends = await chain.connect();
            if (at === 5 && (await statusOf(send)).type !== 'included') await raise(send);
            if (at === 6) await chain.drop(1);
            if (at === 7) await chain.mine(1);
            expect([0n, chain.amount]).toContain(await received(send));
          }
          chain.wire.honest();
          for (let tries = 0; tries < 4 && (await statusOf(send)).type !== 'included'; tries++) {
            for (const { bytes } of send.signed) await outcomeOf(sends.broadcast(bytes));
            await chain.mine(1);
          }
          await finished(send);
          expect({ seed, paid: await received(send) }).toEqual({ seed, paid: chain.amount });
        }
      },
      schedulesTimeoutMs,
    );
  });
}
