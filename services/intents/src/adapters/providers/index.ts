import type { ProviderSettings } from '@daybook/contracts';
import { assertNever } from '@daybook/core';
import type { Pool } from 'pg';
import type { PaymentProvider } from '../../ports';
import { coinbaseProvider } from './coinbase-provider';
import { paypalProvider } from './paypal-provider';
import { sandboxProvider } from './sandbox-provider';
import { stripeProvider } from './stripe-provider';

export type ProviderUrls = {
  readonly stripe: string;
  readonly paypal: Readonly<Record<'sandbox' | 'live', string>>;
  readonly coinbase: string;
};

/** One adapter for the same settings, kept: it holds connections and access tokens. */
export function paymentProviders(pool: Pool, urls: ProviderUrls): (settings: ProviderSettings) => PaymentProvider {
  const made = new Map<string, PaymentProvider>();
  return (settings) => {
    const key = JSON.stringify(settings);
    const provider = made.get(key) ?? providerOf(pool, urls, settings);
    made.set(key, provider);
    return provider;
  };
}

function providerOf(pool: Pool, urls: ProviderUrls, settings: ProviderSettings): PaymentProvider {
  switch (settings.provider) {
    case 'stripe':
      return stripeProvider(settings, urls.stripe);
    case 'paypal':
      return paypalProvider(settings, urls.paypal[settings.environment]);
    case 'coinbase':
      return coinbaseProvider(settings, urls.coinbase);
    case 'sandbox':
      return sandboxProvider(pool, settings.plays);
    default:
      return assertNever(settings);
  }
}
