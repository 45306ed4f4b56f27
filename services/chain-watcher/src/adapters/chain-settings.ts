/** How nodes, modes and amounts are written in settings. Addresses of nodes are secrets: they may hold a key. */
import { assetCodes, assets, parseAmount, type AssetCode } from '@daybook/money';
import { entriesOf, Secret } from '@daybook/runtime';
import { z } from 'zod';
import type { Tier } from '../domain/confirmation';

const isNodeUrl = (text: string) => z.url({ protocol: /^https?$/ }).safeParse(text).success;

export const urlList = z
  .string()
  .default('')
  .transform(entriesOf)
  .refine((urls) => urls.every(isNodeUrl), 'must be http(s) URLs, by comma')
  .transform((urls) => urls.map((url) => new Secret(url)))
  .meta({ secret: true });

/** Whether two of these nodes are one provider: two keys at one host tell one chain. */
export function repeatsHost(urls: readonly (Secret | undefined)[]): boolean {
  const hosts = urls.flatMap((url) => (url === undefined ? [] : [new URL(url.reveal()).host]));
  return new Set(hosts).size < hosts.length;
}

export const modeSetting = z.enum(['sandbox', 'live']).default('live');

/** `1=6,10=12`: from one whole unit six confirmations, from ten twelve. */
export const tiersSetting = (asset: AssetCode, fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((list) => entriesOf(list).map((entry) => tierOf(asset, entry)))
    .refine((tiers) => tiers.every((tier) => tier !== undefined), 'must be amount=confirmations, by comma')
    .transform((tiers) => tiers.filter((tier) => tier !== undefined));

function tierOf(asset: AssetCode, entry: string): Tier | undefined {
  const [amount = '', confirmations = ''] = entry.split('=');
  const parsed = parseAmount(amount, assets[asset].scale);
  if (!parsed.ok || !/^[1-9]\d{0,2}$/.test(confirmations)) return undefined;
  return { asset, amount: parsed.units, confirmations: Number(confirmations) };
}

/** `BTC=0.5,ETH=10`: an amount for some assets. */
export const amountsSetting = z
  .string()
  .default('')
  .transform((list) => entriesOf(list).map(amountOf))
  .refine((amounts) => amounts.every((amount) => amount !== undefined), 'must be asset=amount, by comma')
  .transform((amounts): Readonly<Partial<Record<AssetCode, bigint>>> =>
    Object.fromEntries(amounts.filter((amount) => amount !== undefined)),
  );

function amountOf(entry: string): readonly [AssetCode, bigint] | undefined {
  const [code = '', amount = ''] = entry.split('=');
  const asset = assetCodes.find((one) => one === code);
  const parsed = asset && parseAmount(amount, assets[asset].scale);
  return asset && parsed?.ok ? [asset, parsed.units] : undefined;
}
