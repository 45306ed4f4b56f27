import fc from 'fast-check';
import {
  decide,
  nothingSigned,
  remember,
  signedAfter,
  type Caps,
  type FeeCaps,
  type Policy,
  type SendSigned,
  type Signed,
  type Terms,
} from './signing';

const day = 86_400_000;
const noon = 20_000 * day + day / 2;
const caps = (perSend: bigint, perDay: bigint): Caps => ({ perSend, perDay });
const policy: Policy = {
  amounts: { ETH: caps(100n, 250n), USDT_ERC20: caps(1_000n, 1_500n), BTC: caps(1_000n, 10_000n) },
  fees: { ETH: caps(10n, 25n), BTC: { ...caps(500n, 1_000n), percentMax: 20n } satisfies FeeCaps },
  replacementsMax: 2,
};

function termsOf(sendId: string, more: Partial<Terms> = {}): Terms {
  const terms = {
    sendId,
    to: '0xalice',
    asset: 'ETH' as const,
    amount: 50n,
    way: 'native',
    slots: [`nonce/${sendId}`],
    exclusive: true,
    feeAsset: 'ETH' as const,
    fee: 1n,
    ...more,
  };
  const digest = JSON.stringify(terms, (_name, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
  return { digest, ...terms };
}

/** Asks, and remembers as the signer does. */
function ask(signed: Signed, terms: Terms, at = noon, by = policy): string {
  const verdict = decide(terms, at, signed, by);
  if (verdict.type !== 'sign') return verdict.type === 'refused' ? verdict.refusal : verdict.type;
  remember(signed, { terms, at, answer: { transactionId: `id of ${terms.digest}`, bytes: '00' } });
  return 'sign';
}

const anyTerms: fc.Arbitrary<Terms> = fc
  .record({
    sendId: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    to: fc.constantFrom('0xalice', '0xbob', '0xmallory'),
    asset: fc.constantFrom('ETH' as const, 'USDT_ERC20' as const, 'BTC' as const, 'TRX' as const),
    amount: fc.bigInt({ min: 1n, max: 1_200n }),
    slots: fc.subarray(['n1', 'n2', 'n3'], { minLength: 1 }),
    exclusive: fc.boolean(),
    fee: fc.bigInt({ min: 0n, max: 12n }),
  })
  .map(({ sendId, ...more }) => termsOf(sendId, { ...more, feeAsset: more.asset === 'BTC' ? 'BTC' : 'ETH' }));
/** The same payment for a higher fee. */
const dearer = (terms: Terms): Terms => ({ ...terms, fee: terms.fee + 1n, digest: `${terms.digest} for more` });
const anyPolicy: fc.Arbitrary<Policy> = fc.constantFrom(policy, {
  ...policy,
  recipients: new Set(['0xalice', '0xbob']),
});
/** Each is asked for with a higher fee up to three times, or hardly any would be replaced. */
const anyHistory = fc.array(fc.tuple(anyTerms, fc.nat(3 * day), fc.nat(3)), { maxLength: 40 }).map((list) =>
  list.flatMap(([terms, offset, more]) => {
    const asked = [terms];
    for (let replacement = 0; replacement < more; replacement++) asked.push(dearer(asked.at(-1)!));
    return asked.map((each) => [each, offset] as const);
  }),
);

/** Sends of one asset, each another, under a clock that goes anywhere within six days. */
const anyClock = fc
  .array(fc.tuple(fc.bigInt({ min: 1n, max: 100n }), fc.nat(6 * day)), { minLength: 20, maxLength: 60 })
  .map((list) => list.map(([amount, offset], index) => [termsOf(`s${index}`, { amount, fee: 0n }), offset] as const));

type Asked = { readonly log: readonly SendSigned[]; readonly repeats: readonly string[]; readonly signed: Signed };

function play(history: readonly (readonly [Terms, number])[], by: Policy): Asked {
  const signed = nothingSigned();
  const log: SendSigned[] = [];
  const repeats: string[] = [];
  for (const [terms, offset] of history) {
    const at = noon + offset;
    const verdict = decide(terms, at, signed, by);
    if (verdict.type === 'repeat') repeats.push(verdict.answer.transactionId);
    if (verdict.type !== 'sign') continue;
    const one = { terms, at, answer: { transactionId: `id of ${terms.digest}`, bytes: '00' } };
    remember(signed, one);
    log.push(one);
  }
  return { log, repeats, signed };
}

const sum = (units: readonly bigint[]) => units.reduce((a, b) => a + b, 0n);

describe('what may be signed', () => {
  test('P1: a send has one recipient, asset, amount, way and set of slots for ever', () => {
    fc.assert(
      fc.property(anyHistory, anyPolicy, (history, by) => {
        const payments = new Map<string, string>();
        for (const { terms } of play(history, by).log) {
          const payment = [terms.to, terms.asset, terms.amount, terms.way, terms.slots].join('|');
          expect(payments.get(terms.sendId) ?? payment).toBe(payment);
          payments.set(terms.sendId, payment);
        }
      }),
    );
  });

  test('P2: a slot is of one send for ever', () => {
    fc.assert(
      fc.property(anyHistory, anyPolicy, (history, by) => {
        const owners = new Map<string, string>();
        for (const { terms } of play(history, by).log) {
          for (const slot of terms.slots) {
            expect(owners.get(slot) ?? terms.sendId).toBe(terms.sendId);
            owners.set(slot, terms.sendId);
          }
        }
      }),
    );
  });

  test('P3: a request that was signed is answered as it was then, and counts no second time', () => {
    fc.assert(
      fc.property(anyHistory, anyPolicy, (history, by) => {
        const once = play(history, by);
        const twice = play(
          history.flatMap((one) => [one, one]),
          by,
        );
        expect(twice.log).toEqual(once.log);
        for (const { answer } of once.log) expect(twice.repeats).toContain(answer.transactionId);
      }),
    );
  });

  test('what was signed is listed in the order of signing, replacements too, in pages of whatever size', () => {
    fc.assert(
      fc.property(anyHistory, anyPolicy, fc.integer({ min: 1, max: 7 }), (history, by, limit) => {
        const { log, signed } = play(
          history.flatMap(([terms, offset]) => [[terms, offset] as const, [dearer(terms), offset] as const]),
          by,
        );
        const listed: object[] = [];
        while (listed.length < log.length) {
          const { total, signatures } = signedAfter(signed, { after: listed.length, limit });
          expect(total).toBe(log.length);
          expect(signatures).toHaveLength(Math.min(limit, total - listed.length));
          listed.push(...signatures);
        }
        expect(listed).toEqual(
          log.map(({ terms: { sendId, digest }, at, answer: { transactionId } }, index) => {
            return { place: index + 1, sendId, digest, at, transactionId };
          }),
        );
      }),
    );
  });

  test('P4: a replacement has the same slots, of which only one can be taken, and a higher fee, and there are few', () => {
    let replacements = 0;
    fc.assert(
      fc.property(anyHistory, anyPolicy, (history, by) => {
        const { log } = play(history, by);
        for (const sendId of new Set(log.map(({ terms }) => terms.sendId))) {
          const versions = log.map(({ terms }) => terms).filter((terms) => terms.sendId === sendId);
          expect(versions.length).toBeLessThanOrEqual(1 + by.replacementsMax);
          for (const [at, version] of versions.entries()) {
            if (at === 0) continue;
            replacements += 1;
            expect(version.slots).toEqual(versions[0]!.slots);
            expect(version.fee).toBeGreaterThan(versions[at - 1]!.fee);
            expect(version.exclusive).toBe(true);
          }
        }
      }),
    );
    expect(replacements).toBeGreaterThan(0);
  });

  test('P5: no send and no UTC day is above its caps, in amounts and in fees', () => {
    fc.assert(
      fc.property(anyHistory, anyPolicy, (history, by) => {
        // Whatever the clock told, in whatever order.
        const { log } = play(history, by);
        const ids = [...new Set(log.map(({ terms }) => terms.sendId))];
        for (const asset of ['ETH', 'USDT_ERC20', 'BTC'] as const) {
          const { perSend, perDay } = by.amounts[asset]!;
          const firsts = ids.map((id) => log.find(({ terms }) => terms.sendId === id)!);
          const ofAsset = firsts.filter(({ terms }) => terms.asset === asset);
          for (const { terms } of ofAsset) expect(terms.amount).toBeLessThanOrEqual(perSend);
          for (const one of ofAsset) {
            const sameDay = ofAsset.filter(({ at }) => Math.floor(at / day) === Math.floor(one.at / day));
            expect(sum(sameDay.map(({ terms }) => terms.amount))).toBeLessThanOrEqual(perDay);
          }
        }
        for (const asset of ['ETH', 'BTC'] as const) {
          const { perSend, perDay } = by.fees[asset]!;
          // What a chain can take of a send is the fee of one of its versions: the last costs most.
          const lasts = ids.map((id) => log.findLast(({ terms }) => terms.sendId === id)!);
          const ofAsset = lasts.filter(({ terms }) => terms.feeAsset === asset);
          for (const { terms } of ofAsset) expect(terms.fee).toBeLessThanOrEqual(perSend);
          const oneDay = ofAsset.filter(({ at, terms }) => {
            const days = log.filter((one) => one.terms.sendId === terms.sendId).map((one) => Math.floor(one.at / day));
            return new Set([...days, Math.floor(at / day)]).size === 1;
          });
          for (const one of oneDay) {
            const sameDay = oneDay.filter(({ at }) => Math.floor(at / day) === Math.floor(one.at / day));
            expect(sum(sameDay.map(({ terms }) => terms.fee))).toBeLessThanOrEqual(perDay);
          }
        }
      }),
    );
  });

  test('P6: an asset without caps is not sent, and neither is one whose fee asset has none', () => {
    expect(ask(nothingSigned(), termsOf('a', { asset: 'TRX', feeAsset: 'TRX' }))).toBe('asset_not_allowed');
    expect(ask(nothingSigned(), termsOf('a', { asset: 'TRX' }))).toBe('asset_not_allowed');
    expect(ask(nothingSigned(), termsOf('a', { feeAsset: 'SOL' }))).toBe('asset_not_allowed');
    expect(ask(nothingSigned(), termsOf('a'), noon, { ...policy, amounts: {}, fees: {} })).toBe('asset_not_allowed');
  });

  test('P5: whatever way the clock goes, no UTC day that it tells is above its cap', () => {
    fc.assert(
      fc.property(anyClock, (history) => {
        const { log } = play(history, policy);
        for (const one of log) {
          const sameDay = log.filter(({ at }) => Math.floor(at / day) === Math.floor(one.at / day));
          expect(sum(sameDay.map(({ terms }) => terms.amount))).toBeLessThanOrEqual(250n);
        }
      }),
    );
  });

  test('P7: while the clock is only set back, all that is signed is within the cap of one day', () => {
    fc.assert(
      fc.property(anyClock, fc.nat(60), (history, forward) => {
        // On as time goes, and then back from there, over days on which nothing may have been signed.
        const on = history.slice(0, forward).toSorted(([, a], [, b]) => a - b);
        const back = history
          .slice(forward)
          .map(([terms, offset]) => [terms, offset - 6 * day] as const)
          .toSorted(([, a], [, b]) => b - a);
        const before = play(on, policy).log.length;
        const { log } = play([...on, ...back], policy);
        expect(sum(log.slice(before).map(({ terms }) => terms.amount))).toBeLessThanOrEqual(250n);
      }),
    );
  });
});

describe('caps, at the last unit that is allowed and the first that is not', () => {
  test('of one send', () => {
    expect(ask(nothingSigned(), termsOf('a', { amount: 100n }))).toBe('sign');
    expect(ask(nothingSigned(), termsOf('a', { amount: 101n }))).toBe('amount_above_send_cap');
  });

  test('of one day, to its last millisecond in UTC, and anew from the next', () => {
    const signed = nothingSigned();
    const [first, last] = [20_000 * day, 20_001 * day - 1];
    expect(ask(signed, termsOf('a', { amount: 100n }), first)).toBe('sign');
    expect(ask(signed, termsOf('b', { amount: 100n }), last)).toBe('sign');
    expect(ask(signed, termsOf('c', { amount: 51n }), last)).toBe('amount_above_day_cap');
    expect(ask(signed, termsOf('c', { amount: 50n }), last)).toBe('sign');
    expect(ask(signed, termsOf('d', { amount: 1n }), last)).toBe('amount_above_day_cap');
    expect(ask(signed, termsOf('d', { amount: 100n }), last + 1)).toBe('sign');
  });

  test('each asset has its own', () => {
    const signed = nothingSigned();
    for (const sendId of ['a', 'b']) expect(ask(signed, termsOf(sendId, { amount: 100n }))).toBe('sign');
    expect(ask(signed, termsOf('c', { amount: 100n }))).toBe('amount_above_day_cap');
    expect(ask(signed, termsOf('d', { asset: 'USDT_ERC20', amount: 1_000n }))).toBe('sign');
  });

  test('a clock that was set back opens no day a second time', () => {
    const signed = nothingSigned();
    for (const sendId of ['a', 'b']) ask(signed, termsOf(sendId, { amount: 100n }), noon);
    expect(ask(signed, termsOf('c', { amount: 100n }), noon - day)).toBe('amount_above_day_cap');
    expect(ask(signed, termsOf('c', { amount: 50n }), noon - day)).toBe('sign');
    expect(ask(signed, termsOf('d', { amount: 1n }), noon)).toBe('amount_above_day_cap');
  });

  test('a clock that was set back to days without signatures has no caps there', () => {
    const signed = nothingSigned();
    for (const sendId of ['a', 'b']) ask(signed, termsOf(sendId, { amount: 100n }), noon);
    // To the end of each of them, a moment before the next.
    for (const days of [1, 2, 3, 400]) {
      const last = (20_000 - days) * day + day - 1;
      for (const at of [last, last + 2])
        expect(ask(signed, termsOf(`c${days}`, { amount: 51n }), at)).toBe('amount_above_day_cap');
    }
  });

  test('a clock that was years ahead takes no caps away: a day after it was put right they are there', () => {
    const signed = nothingSigned();
    for (const sendId of ['a', 'b']) ask(signed, termsOf(sendId, { amount: 100n, fee: 10n }), noon + 3_650 * day);
    // Nothing is signed meanwhile, so nothing but the requests themselves tells that the clock goes on.
    for (const at of [noon, noon + day / 2, noon + day - 1])
      expect(ask(signed, termsOf('c', { amount: 100n, fee: 10n }), at)).toBe('fee_above_day_cap');
    for (const sendId of ['c', 'd']) expect(ask(signed, termsOf(sendId, { amount: 100n }), noon + day)).toBe('sign');
    expect(ask(signed, termsOf('e', { amount: 51n }), noon + day)).toBe('amount_above_day_cap');
    expect(ask(signed, termsOf('e', { amount: 51n }), noon + 1.5 * day)).toBe('sign');
    // The day of then was signed on, and its caps are used for ever.
    expect(ask(signed, termsOf('f', { amount: 51n }), noon + 3_650 * day)).toBe('amount_above_day_cap');
  });

  test('a clock that was ahead over midnight gives no day its caps twice', () => {
    const signed = nothingSigned();
    const midnight = 20_001 * day;
    expect(ask(signed, termsOf('a', { amount: 100n }), midnight - 1)).toBe('sign');
    for (const sendId of ['b', 'c']) ask(signed, termsOf(sendId, { amount: 100n }), midnight + 1);
    for (const at of [midnight - 2, midnight + 2, midnight + day - 1])
      expect(ask(signed, termsOf('d', { amount: 51n }), at)).toBe('amount_above_day_cap');
    expect(ask(signed, termsOf('d', { amount: 51n }), midnight + day)).toBe('sign');
  });

  test('of fees: of one send, in percent of what is paid in the same asset, and of one day', () => {
    const signed = nothingSigned();
    expect(ask(signed, termsOf('a', { fee: 11n }))).toBe('fee_above_send_cap');
    expect(ask(signed, termsOf('a', { fee: 10n }))).toBe('sign');
    const bitcoin = { asset: 'BTC', feeAsset: 'BTC', amount: 100n } as const;
    expect(ask(signed, termsOf('b', { ...bitcoin, fee: 21n }))).toBe('fee_above_send_cap');
    expect(ask(signed, termsOf('b', { ...bitcoin, fee: 20n }))).toBe('sign');
    expect(ask(signed, termsOf('c', { fee: 10n, amount: 1n }))).toBe('sign');
    expect(ask(signed, termsOf('d', { fee: 6n, amount: 1n }))).toBe('fee_above_day_cap');
    expect(ask(signed, termsOf('d', { fee: 5n, amount: 1n }))).toBe('sign');
    expect(ask(signed, termsOf('e', { fee: 1n, amount: 1n }), noon + day)).toBe('sign');
  });
});

describe('one send, one slot', () => {
  const signed = nothingSigned();
  beforeAll(() => ask(signed, termsOf('a')));

  test.each<[string, Partial<Terms>]>([
    ['recipient', { to: '0xmallory' }],
    ['asset', { asset: 'USDT_ERC20' }],
    ['amount', { amount: 51n }],
    ['way', { way: '0xcontract 1' }],
    ['slot', { slots: ['nonce/other'] }],
    ['slots', { slots: ['nonce/a', 'nonce/other'] }],
  ])('the same send with another %s is refused, whatever its fee', (_what, other) => {
    expect(ask(signed, termsOf('a', { ...other, fee: 5n }))).toBe('send_exists_with_different_fields');
  });

  test('the slot of another send is refused, also as one of several', () => {
    expect(ask(signed, termsOf('b', { slots: ['nonce/a'] }))).toBe('slot_taken');
    expect(ask(signed, termsOf('b', { slots: ['nonce/a', 'nonce/b'] }))).toBe('slot_taken');
  });

  test('a second transaction needs a higher fee, and a slot that only one of them can take', () => {
    const own = nothingSigned();
    ask(own, termsOf('a', { fee: 3n }));
    expect(ask(own, termsOf('a', { fee: 2n }))).toBe('replacement_not_possible');
    expect(ask(own, termsOf('a', { fee: 3n, digest: 'other' }))).toBe('replacement_not_possible');
    expect(ask(own, termsOf('a', { fee: 4n, exclusive: false }))).toBe('replacement_not_possible');
    expect(ask(own, termsOf('a', { fee: 4n }))).toBe('sign');
    expect(ask(own, termsOf('a', { fee: 11n }))).toBe('fee_above_send_cap');
    expect(ask(own, termsOf('a', { fee: 5n }))).toBe('sign');
    expect(ask(own, termsOf('a', { fee: 6n }))).toBe('replacements_exhausted');
    // Each of the three is still answered.
    for (const fee of [3n, 4n, 5n]) expect(ask(own, termsOf('a', { fee }))).toBe('repeat');
  });

  test('a replacement counts the difference of its fee, and the amount not again', () => {
    const own = nothingSigned();
    for (const sendId of ['a', 'b']) ask(own, termsOf(sendId, { amount: 100n, fee: 8n }));
    expect(ask(own, termsOf('a', { amount: 100n, fee: 10n }))).toBe('sign');
    expect(ask(own, termsOf('c', { amount: 50n, fee: 8n }))).toBe('fee_above_day_cap');
    expect(ask(own, termsOf('c', { amount: 50n, fee: 7n }))).toBe('sign');
  });

  test('what was signed by rules of before is known, and not replaced by those of now', () => {
    const own = nothingSigned();
    const answer = (transactionId: string) => ({ transactionId, bytes: '00' });
    // Two with a durable nonce, which counted as a slot of its own, and one that does not tell the amounts of its inputs.
    const durable = { slots: ['solana/account/nonce'], asset: 'SOL', feeAsset: 'SOL' } as const;
    for (const fee of [1n, 2n])
      remember(own, { terms: termsOf('a', { ...durable, fee }), at: noon, answer: answer(`${fee}`) });
    remember(own, { terms: termsOf('b', { asset: 'BTC', feeAsset: 'BTC' }), at: noon, answer: answer('b') });
    const limits = { ...policy, amounts: { ...policy.amounts, SOL: caps(100n, 250n) } };
    const all = { ...limits, fees: { ...policy.fees, SOL: caps(10n, 25n) } };
    expect(ask(own, termsOf('a', { ...durable, fee: 3n, exclusive: false }), noon, all)).toBe(
      'replacement_not_possible',
    );
    expect(ask(own, termsOf('a', { ...durable, fee: 3n, slots: ['solana/0/hash'] }), noon, all)).toBe(
      'send_exists_with_different_fields',
    );
    expect(ask(own, termsOf('b', { asset: 'BTC', feeAsset: 'BTC', way: 'native x:0=50', fee: 2n }))).toBe(
      'send_exists_with_different_fields',
    );
  });

  test('a list of recipients is the whole of who is paid', () => {
    const listed = { ...policy, recipients: new Set(['0xalice']) };
    expect(ask(nothingSigned(), termsOf('a'), noon, listed)).toBe('sign');
    expect(ask(nothingSigned(), termsOf('a', { to: '0xbob' }), noon, listed)).toBe('recipient_not_allowed');
    expect(ask(nothingSigned(), termsOf('a'), noon, { ...policy, recipients: new Set() })).toBe(
      'recipient_not_allowed',
    );
  });

  test('a history that the rules cannot have made is not believed', () => {
    const answer = { transactionId: 'x', bytes: '00' };
    const own = nothingSigned();
    remember(own, { terms: termsOf('a'), at: noon, answer });
    expect(() => remember(own, { terms: termsOf('a', { to: '0xbob', fee: 2n }), at: noon, answer })).toThrow(
      'different',
    );
    expect(() => remember(own, { terms: termsOf('b', { slots: ['nonce/a'] }), at: noon, answer })).toThrow('two sends');
    expect(() => remember(own, { terms: termsOf('a'), at: noon, answer })).toThrow('higher fee');
  });
});
