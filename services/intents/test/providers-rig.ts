/** The adapters of the providers that are asked over HTTP, each with an account at the double. */
import type { ProviderSettings } from '@daybook/contracts';
import { coinbaseProvider } from '../src/adapters/providers/coinbase-provider';
import { paypalProvider } from '../src/adapters/providers/paypal-provider';
import { stripeProvider } from '../src/adapters/providers/stripe-provider';
import type { PaymentProvider } from '../src/ports';
import { startProviderDouble } from './provider-double';

export const providerNames = ['stripe', 'paypal', 'coinbase'] as const;
export type ProviderName = (typeof providerNames)[number];
type Of<Provider extends ProviderName> = Extract<ProviderSettings, { provider: Provider }>;

export async function providersRig() {
  const double = await startProviderDouble();
  const { url, webhookSecret } = double;
  const stripe: Of<'stripe'> = { provider: 'stripe', secretKey: 'sk', webhookSecret };
  const coinbase: Of<'coinbase'> = { provider: 'coinbase', apiKey: 'key', webhookSecret };
  const credentials = { clientId: 'id', clientSecret: 'secret', webhookId: 'WH-1' };
  const paypal: Of<'paypal'> = { provider: 'paypal', ...credentials, environment: 'sandbox' };
  const providers: Record<ProviderName, PaymentProvider> = {
    stripe: stripeProvider(stripe, url),
    paypal: paypalProvider(paypal, url),
    coinbase: coinbaseProvider(coinbase, url),
  };
  let made = 0;
  const orderOf = (description: string | null = null) => ({
    transactionId: `TX${(made += 1)}`,
    currency: 'USD',
    amount: 10_050n,
    amountReceived: null,
    description,
    declines: 0,
  });
  return {
    double,
    providers,
    orderOf,
    async opened(name: ProviderName) {
      const order = orderOf();
      const opening = await providers[name].open(order, false);
      if (!opening.opened) throw new Error(opening.reason);
      const { reference } = opening;
      const provider = providers[name];
      return {
        reference,
        order,
        observe: () => provider.observe(reference, order),
        look: (amountReceived = 10_050n) => provider.returned(reference, { ...order, amountReceived }),
      };
    },
    stop: () => double.stop(),
  };
}
export type ProvidersRig = Awaited<ReturnType<typeof providersRig>>;

export const saysNothing = (asked: Promise<unknown>) =>
  expect(asked).rejects.toMatchObject({ name: 'OperationalError', code: 'upstream_unavailable' });
