/** What adapters make of the states that their providers can be in, and of answers that say nothing. */
import type { ProviderSettings } from '@daybook/contracts';
import { coinbaseProvider } from '../src/adapters/providers/coinbase-provider';
import { paypalProvider } from '../src/adapters/providers/paypal-provider';
import { stripeProvider } from '../src/adapters/providers/stripe-provider';
import type { PaymentProvider } from '../src/ports';
import {
  coinbaseSignature,
  isOpening,
  startProviderDouble,
  stripeSignature,
  type ProviderDouble,
} from './provider-double';

const names = ['stripe', 'paypal', 'coinbase'] as const;
type Name = (typeof names)[number];
type Of<Provider extends Name> = Extract<ProviderSettings, { provider: Provider }>;

let double: ProviderDouble;
let providers: Record<Name, PaymentProvider>;
beforeAll(async () => {
  double = await startProviderDouble();
  const { url, webhookSecret } = double;
  const stripe: Of<'stripe'> = { provider: 'stripe', secretKey: 'sk', webhookSecret };
  const coinbase: Of<'coinbase'> = { provider: 'coinbase', apiKey: 'key', webhookSecret };
  const credentials = { clientId: 'id', clientSecret: 'secret', webhookId: 'WH-1' };
  const paypal: Of<'paypal'> = { provider: 'paypal', ...credentials, environment: 'sandbox' };
  providers = {
    stripe: stripeProvider(stripe, url),
    paypal: paypalProvider(paypal, url),
    coinbase: coinbaseProvider(coinbase, url),
  };
});
afterAll(() => double.stop());

let made = 0;
async function opened(name: Name) {
  const order = { transactionId: `TX${(made += 1)}`, currency: 'USD', amount: 10_050n, description: null };
  const opening = await providers[name].open(order, false);
  if (!opening.opened) throw new Error(opening.reason);
  const { reference } = opening;
  return { reference, order, observe: () => providers[name].observe(reference, order) };
}

const saysNothing = (asked: Promise<unknown>) =>
  expect(asked).rejects.toMatchObject({ name: 'OperationalError', code: 'upstream_unavailable' });

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
    await saysNothing((await captured('REVERSED'))());
  });
});

describe('a charge of Coinbase', () => {
  async function confirmed(state: string) {
    const { reference, observe } = await opened('coinbase');
    const charge = double.charges.get(reference)!;
    charge.timeline.push({ status: 'PENDING' }, { status: state });
    charge.payments.push({ status: 'CONFIRMED', value: { local: { amount: '60.00', currency: 'USD' } } });
    return observe;
  }

  test.each(['COMPLETED', 'RESOLVED', 'PENDING REFUND', 'REFUND PENDING', 'REFUNDED'])(
    'that is %s was paid with what was confirmed',
    async (state) => {
      expect(await (await confirmed(state))()).toEqual({ status: 'taken', amount: 6_000n });
    },
  );

  test('in a state that is not known says nothing', async () => {
    await saysNothing((await confirmed('FROZEN'))());
  });
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
    const order = { transactionId: `TX${(made += 1)}`, currency: 'USD', amount: 100n, description: null };
    double.failNext(isOpening, 'do it and answer something else');
    await saysNothing(providers[name].open(order, false));
    const { observe } = await opened(name);
    double.failNext(() => true, 'do it and answer something else');
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
