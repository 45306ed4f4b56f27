/** What adapters make of refunds, disputes and reversals at their providers, and of notices about them. */
import fc from 'fast-check';
import { paypalCaptureOf, paypalDispute, paypalDisputed, paypalForbids, paypalRefund } from './paypal-double';
import { type ProviderDouble } from './provider-double';
import { stripeDispute, stripeSignature } from './stripe-double';
import { providersRig, saysNothing, type ProvidersRig } from './providers-rig';

let rig: ProvidersRig;
let double: ProviderDouble;
beforeAll(async () => {
  rig = await providersRig();
  ({ double } = rig);
});
afterAll(() => rig.stop());

type Path = { readonly path: string };
const returned = (refunded: bigint, chargedBack: bigint, disputed = false) => ({ refunded, chargedBack, disputed });
const askedAfter = (before: number) => double.asked.slice(before).map(({ path }) => path);

describe('money that Stripe took', () => {
  const isDisputes = ({ path }: Path) => path === '/v1/disputes';
  const isIntent = ({ path }: Path) => path.startsWith('/v1/payment_intents/');
  async function taken(charge: { readonly amount_refunded?: number; readonly disputed?: boolean } = {}) {
    const { reference, look } = await rig.opened('stripe');
    Object.assign(double.stripe.get(reference)!, { status: 'succeeded', amount_received: 10_050, ...charge });
    return { reference, look };
  }
  async function disputed(...of: readonly (readonly [string, number, readonly number[], string?])[]) {
    const { reference, look } = await taken({ disputed: true });
    double.stripeDisputes.push(...of.map((each) => stripeDispute(reference, ...each)));
    return look;
  }
  /** The answer to a look, with something else in the place of the charge. */
  async function lied(lie: (charge: object, other: object) => unknown) {
    const { reference, look } = await taken();
    const chargeOf = async (of: string) => {
      const answer = await fetch(`${double.url}/v1/payment_intents/${of}?expand[0]=latest_charge`);
      return (await answer.json()) as { latest_charge: object };
    };
    const body = await chargeOf(reference);
    const { latest_charge: other } = await chargeOf((await taken()).reference);
    double.failNext(isIntent, { status: 200, body: { ...body, latest_charge: lie(body.latest_charge, other) } });
    return look;
  }

  test('is all there, without a question about disputes, or was refunded as its charge says', async () => {
    const before = double.asked.length;
    expect(await (await taken()).look()).toEqual(returned(0n, 0n));
    expect(await (await taken({ amount_refunded: 50 })).look()).toEqual(returned(50n, 0n));
    expect(await (await taken({ amount_refunded: 10_050 })).look()).toEqual(returned(10_050n, 0n));
    expect(askedAfter(before)).not.toContain('/v1/disputes');
  });

  test('is not refunded any more once the refund has failed', async () => {
    const { reference, look } = await taken({ amount_refunded: 50 });
    await look();
    double.stripe.get(reference)!.amount_refunded = 0;
    expect(await look()).toEqual(returned(0n, 0n));
  });

  test.each([
    ['needs_response', [], 0n, true],
    ['needs_response', [-4_000], 4_000n, true],
    ['under_review', [-4_000], 4_000n, true],
    ['appeal_needs_response', [-4_000], 4_000n, true],
    ['appeal_under_review', [-4_000], 4_000n, true],
    ['lost', [-4_000], 4_000n, false],
    // In part: the seller could show that something had been refunded.
    ['lost', [-4_000, 1_000], 3_000n, false],
    ['won', [-4_000], 4_000n, false],
    ['won', [-4_000, 4_000], 0n, false],
    ['prevented', [], 0n, false],
    ['prevented', [-4_000], 4_000n, false],
    ['warning_needs_response', [], 0n, true],
    ['warning_under_review', [], 0n, true],
    ['warning_closed', [], 0n, false],
    // Nobody here knows what it means: somebody has to look.
    ['frozen', [-4_000, 1_000], 3_000n, true],
    ['constructor', [], 0n, true],
  ])('is charged back as far as a dispute that is %s has moved %j', async (status, moved, chargedBack, isOpen) => {
    expect(await (await disputed([status, 4_000, moved]))()).toEqual(returned(0n, chargedBack, isOpen));
  });

  test.each([
    ['needs_response', 4_000n, true],
    ['appeal_needs_response', 4_000n, true],
    ['lost', 4_000n, false],
    ['prevented', 4_000n, false],
    ['won', 0n, false],
    ['warning_under_review', 0n, true],
  ])(
    'and an account in another currency, is charged back as disputed where that is %s',
    async (status, chargedBack, isOpen) => {
      const look = await disputed([status, 4_000, [-3_711], 'eur']);
      expect(await look()).toEqual(returned(0n, chargedBack, isOpen));
    },
  );

  test('is not told where the account is in another currency and the dispute in a state that is not known', async () => {
    await saysNothing((await disputed(['frozen', 4_000, [-3_711], 'eur']))());
  });

  test('is disputed while one of its disputes is open', async () => {
    expect(await (await disputed(['lost', 5, [-5]], ['needs_response', 7, []]))()).toEqual(returned(0n, 5n, true));
    expect(await (await disputed(['lost', 5, [-5]], ['won', 7, []]))()).toEqual(returned(0n, 5n));
  });

  test('is charged back by all disputes of it and by none of another, page after page, beside its refunds', async () => {
    const { reference, look } = await taken({ amount_refunded: 10_050, disputed: true });
    await disputed(['lost', 7, [-7]]);
    const amounts = [1_000, 200, 30, 4, 10_000];
    double.stripeDisputes.push(...amounts.map((units) => stripeDispute(reference, 'lost', units, [-units])));
    // More than was taken: it happens, and is told as it is.
    expect(await look()).toEqual(returned(10_050n, 11_234n));
  });

  test('has charge and payment intent as ids or as a whole', async () => {
    const { reference, look } = await taken({ disputed: true });
    const body = { object: 'list', has_more: false, data: [stripeDispute({ id: reference }, 'lost', 5, [-5])] };
    double.failNext(isDisputes, { status: 200, body });
    expect(await look()).toEqual(returned(0n, 5n));
  });

  test.each([
    ['its charge is only an id', () => 'ch_1NirD82eZvKYlo2CIvbtLWuY'],
    ['there is no charge', () => null],
    ['the charge is left out', () => undefined],
    ['the charge is of another payment', (_: object, other: object) => other],
    ['the charge is of none', (charge: object) => ({ ...charge, payment_intent: null })],
    ['the charge is in another currency', (charge: object) => ({ ...charge, currency: 'eur' })],
    ['less than nothing was refunded', (charge: object) => ({ ...charge, amount_refunded: -1 })],
    ['a part of a cent was refunded', (charge: object) => ({ ...charge, amount_refunded: 0.5 })],
    ['nobody says what was refunded', (charge: object) => ({ ...charge, amount_refunded: undefined })],
    ['nobody says whether it is disputed', (charge: object) => ({ ...charge, disputed: undefined })],
  ])('is not told when %s', async (_, lie) => {
    const look = await lied(lie);
    await saysNothing(look());
    expect(await look()).toEqual(returned(0n, 0n));
  });

  test.each([
    ['there is no dispute of a disputed charge', []],
    ['a dispute has no state', [{ ...stripeDispute('pi', 'lost', 5, [-5]), status: null }]],
    ['a dispute is of another payment', [stripeDispute('pi_of_another', 'lost', 5, [-5])]],
    ['a dispute is in another currency', [{ ...stripeDispute('pi', 'lost', 5, [-5]), currency: 'eur' }]],
    ['a dispute has a part of a cent', [{ ...stripeDispute('pi', 'lost', 5, [-5]), amount: 0.5 }]],
    [
      'a dispute does not say what it moved',
      [{ ...stripeDispute('pi', 'lost', 5, []), balance_transactions: undefined }],
    ],
    ['a dispute gave back more than it took', [stripeDispute('pi', 'won', 5, [-5, 6])]],
    ['a dispute is none', [{ id: 're_1', object: 'refund' }]],
  ])('is not told when %s', async (_, data) => {
    const { reference, look } = await taken({ disputed: true });
    const of = data.map((each) =>
      'payment_intent' in each && each.payment_intent === 'pi' ? { ...each, payment_intent: reference } : each,
    );
    double.failNext(isDisputes, { status: 200, body: { object: 'list', has_more: false, data: of } });
    await saysNothing(look());
  });

  test.each([
    ['answer 500'],
    ['do it and answer something else'],
    // Of a connection that was closed the library thinks that it was an old one, and asks again by itself.
    ['do it and cut the answer', 'do it and cut the answer'],
  ] as const)('is not told when the question about disputes meets "%s"', async (...faults) => {
    const look = await disputed(['lost', 5, [-5]]);
    double.failNext(isDisputes, ...faults);
    await saysNothing(look());
    expect(await look()).toEqual(returned(0n, 5n));
  });

  test('is not told when the key may not read disputes, nor when there is no end of them', async () => {
    const look = await disputed(['lost', 5, [-5]]);
    const forbidden = { status: 403, body: { error: { type: 'invalid_request_error', message: 'No.' } } };
    for (const isForbidden of [isDisputes, isIntent]) {
      double.failNext(isForbidden, forbidden);
      await expect(look()).rejects.toMatchObject({ name: 'OperationalError', retryable: false });
    }
    const all = Array.from({ length: 100 }, () => ['lost', 1, [-1]] as const);
    await saysNothing((await disputed(...all))());
  });

  test('is charged back by the sum of what disputes withdrew and did not give back', async () => {
    const moves = fc.array(fc.tuple(fc.nat(50_000), fc.nat(50_000)), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(moves, fc.nat(10_050), async (each, refunded) => {
        const { reference, look } = await taken({ amount_refunded: refunded, disputed: true });
        const withdrawn = each.map(([kept, back]) => [-(kept + back), back]);
        double.stripeDisputes.push(...withdrawn.map((moved) => stripeDispute(reference, 'lost', 1, moved)));
        const chargedBack = BigInt(each.reduce((sum, [kept]) => sum + kept, 0));
        expect(await look()).toEqual(returned(BigInt(refunded), chargedBack));
      }),
      { numRuns: 20 },
    );
  });
});

describe('money that PayPal took', () => {
  const isDisputes = ({ path }: Path) => path === '/v1/customer/disputes';
  type Refunds = readonly ReturnType<typeof paypalRefund>[];
  async function captured(captureStatus: string, refunds: Refunds = [], captureReason?: string) {
    const { reference, look } = await rig.opened('paypal');
    const order = double.paypal.get(reference)!;
    Object.assign(order, { status: 'COMPLETED', captures: 1, captureStatus, refunds, captureReason });
    const captureId = paypalCaptureOf(reference);
    const dispute = (...of: readonly [status: string, outcome?: object, value?: string]) => {
      const [status, outcome, value] = of;
      double.paypalDisputes.push(paypalDispute(captureId, status, outcome, value));
    };
    return { reference, order, look, dispute };
  }
  const resolved = (code: string, value?: string) => ({
    outcome_code: code,
    ...(value === undefined ? {} : { amount_refunded: { currency_code: 'USD', value } }),
  });

  test('is all there while its capture is completed, whatever came to nothing', async () => {
    expect(await (await captured('COMPLETED')).look()).toEqual(returned(0n, 0n));
    const cancelled = [paypalRefund('FAILED', '20.00'), paypalRefund('CANCELLED', '1.00')];
    expect(await (await captured('COMPLETED', cancelled)).look()).toEqual(returned(0n, 0n));
  });

  test('is disputed while a dispute of it is not resolved, also where its capture shows nothing', async () => {
    const { look, dispute } = await captured('COMPLETED');
    dispute('RESOLVED', resolved('RESOLVED_SELLER_FAVOUR'));
    expect(await look()).toEqual(returned(0n, 0n));
    dispute('WAITING_FOR_SELLER_RESPONSE');
    expect(await look()).toEqual(returned(0n, 0n, true));
  });

  test('is all there where a dispute was paid by PayPal, which shows as nothing that went back', async () => {
    const { look, dispute } = await captured('COMPLETED');
    dispute('RESOLVED', resolved('RESOLVED_BUYER_FAVOUR', '40.00'));
    expect(await look()).toEqual(returned(0n, 0n));
  });

  test('was refunded by all refunds that are done or on their way', async () => {
    const refunds = [
      paypalRefund('COMPLETED', '20.00'),
      paypalRefund('PENDING', '3.50'),
      paypalRefund('FAILED', '40.00'),
      paypalRefund('CANCELLED', '7'),
    ];
    expect(await (await captured('PARTIALLY_REFUNDED', refunds)).look()).toEqual(returned(2_350n, 0n));
  });

  test('was refunded as a whole where its status says so, whatever is listed', async () => {
    expect(await (await captured('REFUNDED')).look()).toEqual(returned(10_050n, 0n));
    expect(await (await captured('PENDING', [], 'REFUNDED')).look()).toEqual(returned(10_050n, 0n));
    expect(await (await captured('REFUNDED', [paypalRefund('COMPLETED', '100.50')])).look()).toEqual(
      returned(10_050n, 0n),
    );
  });

  test('was charged back as a whole where the capture was reversed', async () => {
    expect(await (await captured('REVERSED')).look()).toEqual(returned(0n, 10_050n));
    expect(await (await captured('PENDING', [], 'CHARGEBACK')).look()).toEqual(returned(0n, 10_050n));
    expect(await (await captured('DECLINED', [], 'CHARGEBACK')).look()).toEqual(returned(0n, 10_050n));
    expect(await (await captured('COMPLETED', [], 'CHARGEBACK')).look()).toEqual(returned(0n, 10_050n));
  });

  test.each([
    ['REVERSED', undefined],
    ['COMPLETED', 'CHARGEBACK'],
    ['DECLINED', 'CHARGEBACK'],
    ['PENDING', 'BUYER_COMPLAINT'],
  ])('was charged back with what its disputes name, where it is %s, %s', async (status, reason) => {
    const { look, dispute } = await captured(status, [], reason);
    dispute('RESOLVED', resolved('RESOLVED_BUYER_FAVOUR', '30.00'));
    dispute('RESOLVED', resolved('ACCEPTED', '10.00'));
    dispute('RESOLVED', resolved('RESOLVED_SELLER_FAVOUR', '5.00'));
    expect(await look()).toEqual(returned(0n, 4_000n));
  });

  test('was reversed as a whole where its disputes name no money', async () => {
    const { look, dispute } = await captured('REVERSED');
    dispute('RESOLVED', resolved('RESOLVED_BUYER_FAVOUR', '0.00'));
    dispute('UNDER_REVIEW');
    expect(await look()).toEqual(returned(0n, 10_050n, true));
  });

  test('was refunded in part, and not as a whole, where that is what its status says', async () => {
    const { look } = await captured('PARTIALLY_REFUNDED', [paypalRefund('COMPLETED', '40.00')], 'CHARGEBACK');
    expect(await look()).toEqual(returned(4_000n, 0n));
  });

  test.each([
    ['of one capture by all of it', [[]], '40.00', 4_000n],
    ['of one capture by no more than that', [[]], '300.00', 10_050n],
    ['of two captures by what is named of its items', [['10.00', '2.50'], ['70.00']], '82.50', 1_250n],
    ['of two captures by no more than was refunded', [['40.00'], ['70.00']], '30.00', 3_000n],
    ['of two captures by no more than was captured', [[], []], '300.00', 10_050n],
    ['of two captures by all of it, where an item has no amount', [['10.00', undefined], []], '90.00', 9_000n],
  ])('was charged back by a dispute %s', async (_, items, refunded, chargedBack) => {
    const { reference, look } = await captured('REVERSED');
    const ids = [paypalCaptureOf(reference), 'CAPTURE-OF-ANOTHER'];
    const of = items.map((each, at) => paypalDisputed(ids[at]!, ...each)).reverse();
    double.paypalDisputes.push(paypalDispute(of, 'RESOLVED', resolved('RESOLVED_BUYER_FAVOUR', refunded), '300.00'));
    expect(await look()).toEqual(returned(0n, chargedBack));
  });

  test.each([
    ['PARTIALLY_REFUNDED', undefined],
    ['PENDING', 'BUYER_COMPLAINT'],
  ])('is only held while a dispute is open, when the capture is %s, %s', async (status, reason) => {
    const { look, dispute } = await captured(status, [], reason);
    dispute('UNDER_REVIEW');
    expect(await look()).toEqual(returned(0n, 0n, true));
  });

  test.each([
    ['RESOLVED_BUYER_FAVOUR', 4_000n],
    ['ACCEPTED', 4_000n],
    ['RESOLVED_WITH_PAYOUT', 0n],
    ['RESOLVED_SELLER_FAVOUR', 0n],
    ['CANCELED_BY_BUYER', 0n],
    ['DENIED', 0n],
    ['NONE', 0n],
  ])('that a refund of a part was shown of, and a dispute that ended %s', async (code, chargedBack) => {
    const { look, dispute } = await captured('PARTIALLY_REFUNDED', [paypalRefund('COMPLETED', '40.00')]);
    dispute('RESOLVED', resolved(code, '40.00'));
    expect(await look()).toEqual(returned(4_000n - chargedBack, chargedBack));
  });

  test('was charged back with what was disputed where the outcome has no amount, and with none where that is zero', async () => {
    const { look, dispute } = await captured('REFUNDED');
    dispute('RESOLVED', resolved('RESOLVED_BUYER_FAVOUR'), '30.00');
    dispute('RESOLVED', resolved('RESOLVED_BUYER_FAVOUR', '0.00'));
    expect(await look()).toEqual(returned(7_050n, 3_000n));
  });

  test('was refunded and charged back: a reversal is told once, and more than was taken as it is', async () => {
    const twice = [paypalRefund('COMPLETED', '100.50'), paypalRefund('COMPLETED', '100.50')];
    const { look, dispute } = await captured('REFUNDED', twice);
    dispute('RESOLVED', resolved('RESOLVED_BUYER_FAVOUR', '100.50'));
    expect(await look()).toEqual(returned(10_050n, 10_050n));
  });

  const forbidden = async (look: () => Promise<unknown>, which = isDisputes) => {
    double.failNext(which, paypalForbids);
    return look();
  };

  test('is told by its refunds where the account may not read disputes, and is all there where there are none', async () => {
    const refunds = [paypalRefund('COMPLETED', '40.00')];
    expect(await forbidden((await captured('PARTIALLY_REFUNDED', refunds)).look)).toEqual(returned(4_000n, 0n));
    expect(await forbidden((await captured('REVERSED')).look)).toEqual(returned(0n, 10_050n));
    expect(await forbidden((await captured('COMPLETED')).look)).toEqual(returned(0n, 0n));
    const failed = [paypalRefund('FAILED', '40.00')];
    expect(await forbidden((await captured('COMPLETED', failed)).look)).toEqual(returned(0n, 0n));
  });

  test.each([
    ['REFUNDED', undefined, []],
    ['REFUNDED', undefined, [paypalRefund('COMPLETED', '40.00')]],
    ['PARTIALLY_REFUNDED', undefined, []],
    ['PARTIALLY_REFUNDED', undefined, [paypalRefund('FAILED', '40.00')]],
    ['PENDING', 'BUYER_COMPLAINT', []],
    ['PENDING', 'BUYER_COMPLAINT', [paypalRefund('COMPLETED', '40.00')]],
  ])('is not told, nor asked for again, where it may not and refunds do not explain %s, %s', async (...of) => {
    const [status, reason, refunds] = of;
    const { look } = await captured(status, refunds, reason);
    await expect(forbidden(look)).rejects.toMatchObject({ name: 'OperationalError', retryable: false });
  });

  test('is not told where the account may list its disputes and not read them', async () => {
    const { look, dispute } = await captured('PARTIALLY_REFUNDED');
    dispute('RESOLVED', resolved('ACCEPTED', '40.00'));
    const isDispute = ({ path }: Path) => path.startsWith('/v1/customer/disputes/');
    await expect(forbidden(look, isDispute)).rejects.toMatchObject({ name: 'OperationalError', retryable: false });
  });

  test('that was charged back is told as refunded when the account may not read disputes any more', async () => {
    const refunds = [paypalRefund('COMPLETED', '20.00'), paypalRefund('COMPLETED', '40.00')];
    const { look, dispute } = await captured('PARTIALLY_REFUNDED', refunds);
    dispute('RESOLVED', resolved('RESOLVED_BUYER_FAVOUR', '40.00'));
    expect(await look()).toEqual(returned(2_000n, 4_000n));
    expect(await forbidden(look)).toEqual(returned(6_000n, 0n));
  });

  test('was charged back by no more than its refunds show, with disputes and without', async () => {
    const { look, dispute } = await captured('PARTIALLY_REFUNDED', [paypalRefund('COMPLETED', '20.00')]);
    dispute('RESOLVED', resolved('RESOLVED_BUYER_FAVOUR', '40.00'));
    expect(await look()).toEqual(returned(0n, 2_000n));
    expect(await forbidden(look)).toEqual(returned(2_000n, 0n));
  });

  test.each([
    ['a part went back, and nobody says how much', 'PARTIALLY_REFUNDED', []],
    ['a refund is in a state that is not known', 'PARTIALLY_REFUNDED', [paypalRefund('FROZEN', '40.00')]],
    ['a refund is in another currency', 'PARTIALLY_REFUNDED', [paypalRefund('COMPLETED', '40.00', 'EUR')]],
    ['a refund is negative', 'PARTIALLY_REFUNDED', [paypalRefund('COMPLETED', '-40.00')]],
    ['a refund has a part of a cent', 'PARTIALLY_REFUNDED', [paypalRefund('COMPLETED', '40.005')]],
  ])('is not told when %s', async (_, status, refunds) => {
    await saysNothing((await captured(status, refunds)).look());
  });

  test.each([
    ['in a state that is not known', { status: 'FROZEN' }],
    ['resolved, and nobody says how', { status: 'RESOLVED', dispute_outcome: undefined }],
    ['resolved in a way that is not known', { status: 'RESOLVED', dispute_outcome: resolved('FROZEN') }],
    [
      'of another capture',
      { status: 'OPEN', disputed_transactions: [{ seller_transaction_id: 'CAPTURE-OF-ANOTHER' }] },
    ],
    ['another one than was asked for', { status: 'OPEN', dispute_id: 'PP-R-1' }],
    [
      'in another currency',
      {
        status: 'RESOLVED',
        dispute_outcome: { ...resolved('ACCEPTED'), amount_refunded: { currency_code: 'EUR', value: '1.00' } },
      },
    ],
  ])('is not told when a dispute is %s', async (_, lie) => {
    const { reference, look, dispute } = await captured('REFUNDED');
    dispute('OPEN');
    const body = {
      ...paypalDispute(paypalCaptureOf(reference), 'OPEN', undefined),
      ...double.paypalDisputes.at(-1),
      ...lie,
    };
    double.failNext(({ path }) => path.startsWith('/v1/customer/disputes/'), { status: 200, body });
    await saysNothing(look());
    expect(await look()).toEqual(returned(10_050n, 0n, true));
  });

  test.each([
    'answer 500',
    'do it and cut the answer',
    { status: 400, body: { name: 'VALIDATION_ERROR' } },
    { status: 404, body: {} },
    { status: 429, body: {} },
  ] as const)('is not told when the question about disputes meets "%j"', async (fault) => {
    const { look } = await captured('PARTIALLY_REFUNDED', [paypalRefund('COMPLETED', '40.00')]);
    double.failNext(isDisputes, fault);
    await expect(look()).rejects.toMatchObject({ name: 'OperationalError', retryable: true });
    expect(await look()).toEqual(returned(4_000n, 0n));
  });

  test('is not told when there are more disputes than one page has', async () => {
    const { look } = await captured('REFUNDED');
    const body = { items: [], links: [{ href: 'https://api-m.paypal.com/v1/customer/disputes?page=2', rel: 'next' }] };
    double.failNext(isDisputes, { status: 200, body });
    await saysNothing(look());
  });

  const decimal = (cents: number) => `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
  type Deed = { readonly by: 'tenant' | 'payer' | 'nobody'; readonly units: number };

  /** One deed after the other, each with no more than is left of the payment. */
  function happened(wished: readonly Deed[]): readonly Deed[] {
    let left = 10_050;
    return wished.flatMap(({ by, units: most }) => {
      const units = Math.min(most, left);
      if (by !== 'nobody') left -= units;
      return units === 0 ? [] : [{ by, units }];
    });
  }

  /** What PayPal shows of it: a reversal as one more refund, or as a capture that is reversed where that is all there is. */
  async function shownAt(history: readonly Deed[], { isReversed = false } = {}) {
    const gone = history.filter(({ by }) => by !== 'nobody');
    const went = gone.reduce((total, { units }) => total + units, 0);
    const isAlone = isReversed && gone.length === 1 && gone[0]!.by === 'payer';
    const status = went === 0 ? 'COMPLETED' : went < 10_050 ? 'PARTIALLY_REFUNDED' : 'REFUNDED';
    const refunds = isAlone ? [] : gone.map(({ units }) => paypalRefund('COMPLETED', decimal(units)));
    const made = await captured(isAlone ? 'REVERSED' : status, refunds);
    for (const { by, units } of history)
      if (by !== 'tenant')
        made.dispute('RESOLVED', resolved(by === 'payer' ? 'RESOLVED_BUYER_FAVOUR' : 'DENIED', decimal(units)));
    return made;
  }

  const history = fc
    .array(
      fc.record({ by: fc.constantFrom('tenant', 'payer', 'nobody'), units: fc.integer({ min: 1, max: 10_050 }) }),
      { maxLength: 5 },
    )
    .map(happened);

  test('is told as it happened: what the tenant gave back, what payers took back, and whether one still wants to', async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.boolean(), fc.boolean(), async (deeds, isReversed, isOpen) => {
        const { look, dispute } = await shownAt(deeds, { isReversed });
        if (isOpen) dispute('UNDER_REVIEW');
        const of = (whom: Deed['by']) =>
          BigInt(deeds.reduce((total, { by, units }) => total + (by === whom ? units : 0), 0));
        expect(await look()).toEqual(returned(of('tenant'), of('payer'), isOpen));
      }),
      { numRuns: 40 },
    );
  });

  test('is told as no less, or not at all, once the account may not read disputes, whatever is shown', async () => {
    const units = fc.integer({ min: 0, max: 20_000 }).map(decimal);
    const shown = fc.record({
      status: fc.constantFrom('COMPLETED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'REVERSED', 'PENDING', 'DECLINED'),
      reason: fc.constantFrom('CHARGEBACK', 'BUYER_COMPLAINT', 'REFUNDED'),
      refunds: fc.array(units, { maxLength: 2 }),
      won: fc.array(units, { maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(shown, fc.boolean(), async ({ status, reason, refunds, won }, hasReason) => {
        const isTaken = status !== 'PENDING' && status !== 'DECLINED';
        const listed = refunds.map((each) => paypalRefund('COMPLETED', each));
        const { look, dispute } = await captured(status, listed, isTaken && !hasReason ? undefined : reason);
        for (const each of won) dispute('RESOLVED', resolved('ACCEPTED', each));
        const sumOf = (told: { readonly refunded: bigint; readonly chargedBack: bigint }) =>
          told.refunded + told.chargedBack;
        const before = await look().catch(() => returned(0n, 0n));
        double.failNext(isDisputes, paypalForbids);
        const after = await look().catch((error: unknown) => {
          expect(error).toMatchObject({ name: 'OperationalError', retryable: false });
          return before;
        });
        expect(sumOf(after)).toBeGreaterThanOrEqual(sumOf(before));
      }),
      { numRuns: 100 },
    );
  });
});

describe('a notice of Stripe', () => {
  const told = async (object: object, id = 'evt_1') => {
    const body = JSON.stringify({ id, object: 'event', data: { object } });
    return rig.providers.stripe.readNotice({ 'stripe-signature': stripeSignature(body) }, body);
  };

  test.each([
    ['payment intent', { object: 'payment_intent', id: 'pi_1' }],
    ['charge', { object: 'charge', id: 'ch_1', payment_intent: 'pi_1', refunded: true }],
    ['refund', { object: 'refund', id: 're_1', charge: 'ch_1', payment_intent: 'pi_1' }],
    ['dispute', { object: 'dispute', id: 'du_1', charge: 'ch_1', payment_intent: 'pi_1' }],
    ['dispute with the payment intent as a whole', { object: 'dispute', id: 'du_1', payment_intent: { id: 'pi_1' } }],
  ])('about a %s is about its payment intent', async (_, object) => {
    expect(await told(object)).toEqual({ eventId: 'evt_1', reference: 'pi_1' });
  });

  test.each([
    { object: 'charge', payment_intent: null },
    { object: 'refund' },
    { object: 'charge', payment_intent: 7 },
  ])('about %j is about none of ours', async (object) => {
    expect(await told({ id: 'ch_1', ...object })).toEqual({ eventId: 'evt_1', reference: null });
  });
});

describe('a notice of PayPal', () => {
  const headers = Object.fromEntries(
    ['auth-algo', 'cert-url', 'transmission-id', 'transmission-time'].map((name) => [`paypal-${name}`, 'x']),
  );
  const told = async (resource: object, signature = double.webhookSecret) =>
    rig.providers.paypal.readNotice(
      { ...headers, 'paypal-transmission-sig': signature },
      JSON.stringify({ id: 'WH-1', resource }),
    );
  const up = (captureId: string) => [
    { href: 'https://api.paypal.com/v2/payments/refunds/1Y107995YT783435V', rel: 'self', method: 'GET' },
    { href: `https://api.paypal.com/v2/payments/captures/${captureId}`, rel: 'up', method: 'GET' },
  ];
  const isCapture = ({ path }: Path) => path.startsWith('/v2/payments/captures/');

  test('about an order, or that names one, is about that', async () => {
    const before = double.asked.length;
    expect(await told({ id: 'ORDER-1' })).toEqual({ eventId: 'WH-1', reference: 'ORDER-1' });
    const related = { supplementary_data: { related_ids: { order_id: 'ORDER-1' } } };
    const parent = [{ href: 'https://api.paypal.com/v2/checkout/orders/ORDER-1', rel: 'up' }];
    expect(await told({ id: 'CAPTURE-1', links: parent, ...related })).toMatchObject({ reference: 'ORDER-1' });
    expect(await told({ id: 'REFUND-1', links: up('CAPTURE-1'), ...related })).toMatchObject({ reference: 'ORDER-1' });
    expect(askedAfter(before).filter((path) => isCapture({ path }))).toEqual([]);
  });

  test('about a refund, a reversal or a dispute is about the order of its capture', async () => {
    const { reference } = await rig.opened('paypal');
    const captureId = paypalCaptureOf(reference);
    const expected = { eventId: 'WH-1', reference };
    expect(await told({ id: '1Y107995YT783435V', status: 'COMPLETED', links: up(captureId) })).toEqual(expected);
    expect(await told(paypalDispute(captureId, 'OPEN', undefined))).toEqual(expected);
  });

  test('about a capture that is not known, or a dispute of nothing, is about none of ours', async () => {
    expect(await told({ id: 'REFUND-1', links: up('CAPTURE-1') })).toEqual({ eventId: 'WH-1', reference: null });
    const dispute = { ...paypalDispute('CAPTURE-1', 'OPEN', undefined), disputed_transactions: [{}] };
    expect(await told(dispute)).toEqual({ eventId: 'WH-1', reference: null });
  });

  test('is not read on when its capture is not told, or another one is', async () => {
    const { reference } = await rig.opened('paypal');
    const resource = { id: 'REFUND-1', links: up(paypalCaptureOf(reference)) };
    double.failNext(isCapture, 'answer 500');
    await saysNothing(told(resource));
    const related = { supplementary_data: { related_ids: { order_id: 'ORDER-OF-ANOTHER' } } };
    double.failNext(isCapture, { status: 200, body: { id: 'CAPTURE-OF-ANOTHER', ...related } });
    await saysNothing(told(resource));
  });

  test('that is forged makes us ask for no capture', async () => {
    const before = double.asked.length;
    expect(await told({ id: 'REFUND-1', links: up('CAPTURE-1') }, 'forged')).toBeNull();
    expect(askedAfter(before).filter((path) => isCapture({ path }))).toEqual([]);
  });
});

test.each([
  ['stripe', 'processing'],
  ['paypal', 'CREATED'],
  ['coinbase', 'PENDING'],
] as const)('what went back of money that %s no longer says that it took, is not told', async (name, status) => {
  const { reference, look } = await rig.opened(name);
  if (name === 'stripe') Object.assign(double.stripe.get(reference)!, { status, amount_received: 10_050 });
  if (name === 'coinbase') double.charges.get(reference)!.timeline.push({ status });
  await saysNothing(look());
});
