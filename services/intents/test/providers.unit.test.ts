/** What adapters make of the states that their providers can be in, and of answers that say nothing. */
import { chargePayments, coinbaseSignature } from './coinbase-double';
import { paypalRefusal } from './paypal-double';
import { isOpening, type ProviderDouble } from './provider-double';
import { stripeSignature } from './stripe-double';
import {
  providerNames as names,
  providersRig,
  saysNothing,
  type ProviderName,
  type ProvidersRig,
} from './providers-rig';

let rig: ProvidersRig;
let double: ProviderDouble;
let providers: ProvidersRig['providers'];
beforeAll(async () => {
  rig = await providersRig();
  ({ double, providers } = rig);
});
afterAll(() => rig.stop());

const orderOf = (description: string | null = null) => rig.orderOf(description);
const opened = (name: ProviderName) => rig.opened(name);

const paths = { stripe: '/v1/payment_intents/', paypal: '/v2/checkout/orders/', coinbase: '/charges/' };
/** One that was paid, with what its provider answers about it. */
async function paid(name: ProviderName) {
  const made = await opened(name);
  const { reference } = made;
  if (name === 'stripe') Object.assign(double.stripe.get(reference)!, { status: 'succeeded', amount_received: 10_050 });
  if (name === 'paypal') Object.assign(double.paypal.get(reference)!, { status: 'COMPLETED', captures: 1 });
  if (name === 'coinbase') {
    const charge = double.charges.get(reference)!;
    charge.timeline.push({ status: 'COMPLETED' });
    charge.payments.push(chargePayments.WEB3('confirmed', { amount: '100.50', currency: 'USD' }));
  }
  const answer = await fetch(`${double.url}${paths[name]}${reference}`);
  return { ...made, body: await answer.json() };
}

describe('a capture of PayPal', () => {
  const taken = { status: 'taken', amount: 10_050n };
  async function captured(captureStatus: string, status = 'COMPLETED') {
    const { reference, observe } = await opened('paypal');
    Object.assign(double.paypal.get(reference)!, { status, captures: 1, captureStatus });
    return observe;
  }

  test.each([
    ['COMPLETED', taken],
    ['PARTIALLY_REFUNDED', taken],
    ['REFUNDED', taken],
    ['REVERSED', taken],
    ['PENDING', { status: 'processing' }],
    ['DECLINED', { status: 'failed', reason: 'declined' }],
    ['FAILED', { status: 'failed', reason: 'failed' }],
  ])('that is %s', async (captureStatus, expected) => {
    expect(await (await captured(captureStatus))()).toEqual(expected);
  });

  test('that was declined leaves an order open that is not completed', async () => {
    expect(await (await captured('DECLINED', 'CREATED'))()).toEqual({ status: 'open' });
  });

  test('in a state that is not known says nothing', async () => {
    await saysNothing((await captured('FROZEN'))());
  });

  test.each([{ currency: 'EUR' }, { value: '0.00' }, { value: '100.505' }])('of %j says nothing', async (lie) => {
    const { reference, observe } = await opened('paypal');
    Object.assign(double.paypal.get(reference)!, { status: 'COMPLETED', captures: 1, ...lie });
    await saysNothing(observe());
  });
});

describe.each(['legacy', 'WEB3'] as const)('a charge of Coinbase, %s,', (kind) => {
  const local = { amount: '60.00', currency: 'USD' };
  async function charged(state: string, ...statuses: readonly string[]) {
    const made = await opened('coinbase');
    const charge = double.charges.get(made.reference)!;
    charge.timeline.push({ status: 'SIGNED' }, { status: 'PENDING' }, { status: state });
    charge.payments.push(...statuses.map((status) => chargePayments[kind](status, local)));
    return made;
  }

  test.each([
    ['COMPLETED', 0n],
    ['RESOLVED', 0n],
    ['PENDING REFUND', 6_000n],
    ['REFUND PENDING', 6_000n],
    ['REFUNDED', 6_000n],
  ])('that is %s was paid with what was confirmed, of which %d went back', async (state, refunded) => {
    const { observe, look } = await charged(state, 'pending', 'confirmed', 'failed');
    expect(await observe()).toEqual({ status: 'taken', amount: 6_000n });
    expect(await look(6_000n)).toEqual({ refunded, chargedBack: 0n, disputed: false });
  });

  const untold = (asked: Promise<unknown>) =>
    expect(asked).rejects.toMatchObject({ name: 'OperationalError', retryable: false });

  test.each(['PENDING REFUND', 'REFUND PENDING', 'REFUNDED'])(
    'that was paid twice and is %s does not tell which payment went back',
    async (state) => {
      await untold((await charged(state, 'confirmed', 'confirmed')).look(6_000n));
      await untold((await charged(state, 'confirmed')).look(5_999n));
    },
  );

  test('that was taken and goes on to UNRESOLVED, for a second payment, has nothing that went back', async () => {
    const { reference, look } = await charged('COMPLETED', 'confirmed', 'confirmed');
    const { timeline } = double.charges.get(reference)!;
    timeline.push({ status: 'UNRESOLVED' });
    expect(await look(6_000n)).toEqual({ refunded: 0n, chargedBack: 0n, disputed: false });
    timeline.push({ status: 'RESOLVED' });
    expect(await look(6_000n)).toEqual({ refunded: 0n, chargedBack: 0n, disputed: false });
  });

  test('that was refunded and paid again does not tell that nothing went back', async () => {
    const { reference, look } = await charged('REFUNDED', 'confirmed');
    expect(await look(6_000n)).toMatchObject({ refunded: 6_000n });
    const { timeline } = double.charges.get(reference)!;
    for (const status of ['UNRESOLVED', 'RESOLVED']) {
      timeline.push({ status });
      await untold(look(6_000n));
    }
  });

  test('whose refund came to nothing has nothing that went back', async () => {
    const { reference, look } = await charged('PENDING REFUND', 'confirmed');
    double.charges.get(reference)!.timeline.push({ status: 'COMPLETED' });
    expect(await look(6_000n)).toMatchObject({ refunded: 0n });
  });

  test('that says that it was paid, with nothing confirmed, says nothing', async () => {
    await saysNothing((await charged('COMPLETED')).observe());
    await saysNothing((await charged('RESOLVED', 'pending', 'failed')).observe());
  });

  test.each([
    ['PENDING', { status: 'processing' }],
    ['FAILED', { status: 'failed', reason: 'failed' }],
    ['EXPIRED', { status: 'failed', reason: 'expired' }],
  ])('that is %s', async (state, expected) => {
    expect(await (await charged(state, 'pending')).observe()).toEqual(expected);
  });

  test('in a state that is not known says nothing, nor does one with a payment in such a state', async () => {
    await saysNothing((await charged('FROZEN', 'confirmed')).observe());
    await saysNothing((await charged('COMPLETED', 'confirmed', 'frozen')).observe());
  });
});

test('a charge of Coinbase is found among others, whatever became of those', async () => {
  const { reference, order } = await opened('coinbase');
  const other = double.charges.get((await opened('coinbase')).reference)!;
  other.payments.push(
    { status: 7 },
    { ...chargePayments.WEB3('frozen', { amount: '1', currency: 'USD' }), value: null },
  );
  expect(await providers.coinbase.open(order, true)).toMatchObject({ opened: true, reference });
});

test.each(['succeeded', 'frozen'])(
  'a payment of Stripe that is %s, with nothing received, says nothing',
  async (status) => {
    const { reference, observe } = await opened('stripe');
    Object.assign(double.stripe.get(reference)!, { status, amount_received: 0 });
    await saysNothing(observe());
  },
);

test.each(['requires_payment_method', 'requires_confirmation', 'requires_action'])(
  'a payment of Stripe that %s is open',
  async (status) => {
    const { reference, observe } = await opened('stripe');
    Object.assign(double.stripe.get(reference)!, { status });
    expect(await observe()).toEqual({ status: 'open' });
  },
);

describe.each(names)('an answer of %s that is something else than was asked for', (name) => {
  test('says nothing, to whoever opens a payment and to whoever asks about one', async () => {
    const order = orderOf();
    double.failNext(isOpening, 'do it and answer something else');
    await saysNothing(providers[name].open(order, false));
    const { observe } = await opened(name);
    double.failNext(() => true, 'do it and answer something else');
    await saysNothing(observe());
    expect(await observe()).toEqual({ status: 'open' });
  });

  test('says nothing either when it is another payment, which was paid', async () => {
    const { observe } = await opened(name);
    const { body } = await paid(name);
    double.failNext(() => true, { status: 200, body });
    await saysNothing(observe());
    expect(await observe()).toEqual({ status: 'open' });
  });
});

test('so does what PayPal answers when the money is taken, and the next look finds it', async () => {
  const { reference, observe } = await opened('paypal');
  double.paypal.get(reference)!.status = 'APPROVED';
  double.failNext(({ path }) => path.endsWith('/capture'), 'do it and answer something else');
  await saysNothing(observe());
  expect(await observe()).toEqual({ status: 'taken', amount: 10_050n });
});

describe.each(['stripe', 'coinbase'] as const)('a payment of %s', (name) => {
  test('is not opened by an answer about one that was made for another transaction', async () => {
    const order = orderOf();
    const { body } = await paid(name);
    double.failNext(isOpening, { status: 200, body });
    await saysNothing(providers[name].open(order, false));
    expect(await providers[name].open(order, false)).toMatchObject({ opened: true });
  });

  test('that was paid counts by its id, whatever was written into its metadata since', async () => {
    const { reference, observe } = await paid(name);
    if (name === 'stripe')
      Object.assign(double.stripe.get(reference)!, { metadata: { transaction_id: 'TX of another' } });
    else Object.assign(double.charges.get(reference)!, { transactionId: 'TX of another' });
    expect(await observe()).toEqual({ status: 'taken', amount: 10_050n });
  });
});

describe('an order of PayPal whose payer has approved it', () => {
  const taken = { status: 'taken', amount: 10_050n };
  const declined = (attempt: number, issue: string) => ({
    status: 'declined',
    attempt,
    reason: `UNPROCESSABLE_ENTITY, ${issue}`,
  });
  async function approved() {
    const { reference, order } = await opened('paypal');
    const payer = double.paypal.get(reference)!;
    payer.status = 'APPROVED';
    const isCapture = ({ path }: { readonly path: string }) => path.endsWith(`${reference}/capture`);
    return {
      payer,
      isCapture,
      observe: (declines = 0) => providers.paypal.observe(reference, { ...order, declines }),
      captureIds: () => double.asked.filter(isCapture).map(({ headers }) => headers['paypal-request-id']),
    };
  }

  test('is paid with the second card when the first was declined, and whoever does not know of that is told again', async () => {
    const { payer, observe, captureIds } = await approved();
    payer.badCards = 1;
    expect(await observe()).toEqual(declined(1, 'INSTRUMENT_DECLINED'));
    // The payer has not chosen another one.
    expect(await observe(1)).toEqual({ status: 'open' });
    payer.status = 'APPROVED';
    expect(await observe()).toEqual(declined(1, 'INSTRUMENT_DECLINED'));
    expect(await observe(1)).toEqual(taken);
    expect(payer.captures).toBe(1);
    const [first, again, second] = captureIds();
    expect(again).toBe(first);
    expect(second).not.toBe(first);
  });

  test.each(['answer 500', 'do it and cut the answer', 'do it and answer something else'] as const)(
    'is captured under the same id again when the capture met "%s"',
    async (fault) => {
      const { observe, isCapture, captureIds } = await approved();
      double.failNext(isCapture, fault);
      await expect(observe()).rejects.toMatchObject({ name: 'OperationalError' });
      expect(await observe()).toEqual(taken);
      expect(new Set(captureIds()).size).toBe(1);
    },
  );

  test('is read again when it turns out that it was captured', async () => {
    const { payer, observe } = await approved();
    Object.assign(payer, { status: 'COMPLETED', captures: 1 });
    double.failNext(() => true, { status: 200, body: { id: payer.id, status: 'APPROVED' } });
    expect(await observe(1)).toEqual(taken);
  });

  test('is open again when the answer to the capture is that it was declined', async () => {
    const { payer, observe, isCapture } = await approved();
    const capture = { id: 'CAPTURE-1', status: 'DECLINED', amount: { currency_code: 'USD', value: '100.50' } };
    const body = { id: payer.id, status: 'APPROVED', purchase_units: [{ payments: { captures: [capture] } }] };
    double.failNext(isCapture, { status: 201, body });
    expect(await observe(2)).toEqual({ status: 'declined', attempt: 3, reason: 'DECLINED' });
  });

  test.each(['ORDER_NOT_APPROVED', 'PAYER_ACTION_REQUIRED', 'TRANSACTION_REFUSED', 'PAYEE_BLOCKED_TRANSACTION'])(
    'is captured under another id when a capture was refused as %s, which is answered again under the first one',
    async (issue) => {
      const { payer, observe, captureIds } = await approved();
      Object.assign(payer, { badCards: 1, issue });
      expect(await observe()).toEqual(declined(1, issue));
      payer.status = 'APPROVED';
      expect(await observe()).toEqual(declined(1, issue));
      expect(await observe(1)).toEqual(taken);
      expect(new Set(captureIds()).size).toBe(2);
    },
  );

  test('and that stays approved after each refusal is captured twenty times, and then left to the payer', async () => {
    const { payer, observe, captureIds } = await approved();
    payer.badCards = 21;
    expect(await observe(19)).toEqual(declined(20, 'INSTRUMENT_DECLINED'));
    payer.status = 'APPROVED';
    expect(await observe(20)).toEqual({ status: 'open' });
    expect(captureIds()).toHaveLength(1);
  });

  test.each([
    ['another one with its id is running', paypalRefusal('DUPLICATE_REQUEST_ID')],
    ['PayPal itself is capturing it', paypalRefusal('ORDER_COMPLETION_IN_PROGRESS')],
    ['nobody says why', { status: 422, body: {} }],
  ])('says nothing when the capture is refused because %s', async (_, refusal) => {
    const { observe, isCapture } = await approved();
    double.failNext(isCapture, refusal);
    await saysNothing(observe());
    expect(await observe()).toEqual(taken);
  });

  test('says nothing when the answer to the capture is another order, which was paid', async () => {
    const { observe, isCapture } = await approved();
    const { body } = await paid('paypal');
    double.failNext(isCapture, { status: 201, body });
    await saysNothing(observe());
  });
});

const running = 'Another request with this key is running.';
test.each([
  ['paypal', 'its issue', paypalRefusal('DUPLICATE_REQUEST_ID')],
  ['paypal', 'its name', { status: 400, body: { name: 'DUPLICATE_REQUEST_ID', message: running } }],
  ['stripe', 'its status', { status: 409, body: { error: { type: 'invalid_request_error', message: running } } }],
] as const)('a second opening that %s refuses because of the first, by %s, says nothing', async (name, _, refusal) => {
  const order = orderOf();
  double.failNext(isOpening, refusal);
  await saysNothing(providers[name].open(order, false));
  expect(await providers[name].open(order, true)).toMatchObject({ opened: true });
});

test.each([
  ['paypal', 127],
  ['coinbase', 200],
] as const)('a description for %s is cut to %d, and ends with a whole character', async (name, length) => {
  const told = async (description: string) => {
    await providers[name].open(orderOf(description), false);
    const { body } = double.asked.findLast(isOpening)!;
    const said = JSON.parse(body) as { description?: string; purchase_units?: { description: string }[] };
    return said.description ?? said.purchase_units?.[0]?.description;
  };
  const short = 'x'.repeat(length - 1);
  expect(await told(`${short}yz`)).toBe(`${short}y`);
  expect(await told(`${short}\u{1F600}`)).toBe(short);
  expect(await told(`${short.slice(1)}\u{1F600}z`)).toBe(`${short.slice(1)}\u{1F600}`);
});

test.each(['{}', '[]', 'null', 'no JSON', '{"event":{"id":1}}'])(
  'a webhook of Coinbase that is signed, and is %s, says nothing',
  async (body) => {
    await saysNothing(providers.coinbase.readNotice({ 'x-cc-webhook-signature': coinbaseSignature(body) }, body));
  },
);

test.each(['{}', '{"id":"evt_1","data":{}}', '{"id":7,"data":{"object":{}}}'])(
  'a webhook of Stripe that is signed, and is %s, says nothing',
  async (body) => {
    await saysNothing(providers.stripe.readNotice({ 'stripe-signature': stripeSignature(body) }, body));
  },
);
