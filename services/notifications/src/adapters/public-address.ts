/**
 * Which urls and addresses a webhook may reach. An address is judged in its canonical form: an IPv4 address inside an
 * IPv6 one is judged as what it is. Only globally routable unicast is public; forms that embed an IPv4 address behind a
 * translator (NAT64, 6to4, Teredo, IPv4-compatible) are never public.
 */
import type { Mode } from '@daybook/contracts';
import { IPv6, parse, isValid, type IPv4 } from 'ipaddr.js';
import type { UrlProblem } from '../ports';

/** `loopback`: this machine only, for receivers under development. `public`: the internet only. */
export type Reach = 'public' | 'loopback';

export type WebhookUrl =
  | { readonly ok: true; readonly url: URL; readonly reach: Reach }
  | { readonly ok: false; readonly problem: UrlProblem };

const publicPorts = ['', '443', '8443'];
const globalUnicast = IPv6.parseCIDR('2000::/3');
/** White space and control characters, which the URL parser would drop silently. */
const unprintable = /[\s\p{Cc}]/u;

/** Reads a url and says what it may reach. Names are not resolved here; addresses in the url are judged. */
export function readWebhookUrl(text: string, mode: Mode, options: { readonly allowLoopback: boolean }): WebhookUrl {
  const url = unprintable.test(text) ? undefined : parseUrl(text);
  if (url === undefined || url.username !== '' || url.password !== '') return { ok: false, problem: 'url_invalid' };
  const host = hostOf(url);
  const reach = mode === 'sandbox' && options.allowLoopback && isLoopbackHost(host) ? 'loopback' : 'public';
  if (reach === 'loopback')
    return ['http:', 'https:'].includes(url.protocol)
      ? { ok: true, url, reach }
      : { ok: false, problem: 'url_invalid' };
  if (url.protocol !== 'https:' || !publicPorts.includes(url.port)) return { ok: false, problem: 'url_invalid' };
  if (isValid(host) && !mayReach(host, reach)) return { ok: false, problem: 'url_not_public' };
  return { ok: true, url, reach };
}

/** The host without the brackets of an IPv6 literal. The URL parser has already made every IPv4 spelling canonical. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

export function mayReach(address: string, reach: Reach): boolean {
  if (!isValid(address)) return false;
  const canonical = canonicalAddress(address);
  if (reach === 'loopback') return canonical.range() === 'loopback';
  if (canonical.range() !== 'unicast') return false;
  return canonical.kind() === 'ipv4' || (canonical as IPv6).match(globalUnicast);
}

function canonicalAddress(address: string): IPv4 | IPv6 {
  const parsed = parse(address);
  return parsed instanceof IPv6 && parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : parsed;
}

function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || mayReach(host, 'loopback');
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
