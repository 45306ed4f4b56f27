import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Block = [Address, number];

/** A client's address comes with each of its requests. The longest text of one without a zone has 45 characters. */
const readings = new Map<string, Address>();
const readingsMax = 10_000;
const lengthMax = 45;

/**
 * The address that a request came from: the peer, or, when the peer is one of our proxies, the first address from the
 * right of X-Forwarded-For that is not. Undefined when that place holds something that is not an address: such a
 * request is inside no allow-list.
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | undefined,
  trustedProxies: readonly string[],
): string | undefined {
  if (forwardedFor === undefined) return addressOf(peer ?? '')?.toString();
  const trusted = trustedProxies.map(blockOf);
  const hops = forwardedFor.split(',').map((hop) => hop.trim());
  let address = addressOf(peer ?? '');
  while (address !== undefined && hops.length > 0 && trusted.some((block) => isInside(address!, block))) {
    address = addressOf(hops.pop()!);
  }
  return address?.toString();
}

/** An empty list allows every address; a list with nothing readable in it allows none. */
export function isAllowed(address: string | undefined, allowList: readonly string[]): boolean {
  if (allowList.length === 0) return true;
  const parsed = address === undefined ? undefined : addressOf(address);
  return parsed !== undefined && allowList.some((block) => isInside(parsed, blockOf(block)));
}

/** What a limit counts by: an IPv4 address, or the /64 that one IPv6 customer holds. */
export function addressGroup(address: string | undefined): string {
  const parsed = address === undefined ? undefined : addressOf(address);
  if (parsed === undefined) return 'unknown';
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString();
}

/** Dotted IPv4 and IPv6 only; IPv4 inside IPv6 is read as IPv4. */
function addressOf(text: string): Address | undefined {
  const known = readings.get(text);
  if (known !== undefined) return known;
  const readable = ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
  const address = readable ? ipaddr.process(text) : undefined;
  if (address === undefined || text.length > lengthMax) return address;
  if (readings.size === readingsMax) readings.clear();
  readings.set(text, address);
  return address;
}

function blockOf(block: string): Block | undefined {
  if (ipaddr.isValidCIDR(block)) return asRead(ipaddr.parseCIDR(block));
  const address = addressOf(block);
  return address && [address, address.kind() === 'ipv6' ? 128 : 32];
}

/** IPv4 inside IPv6 is read as IPv4, as it is of an address: its block would be that of nobody. */
function asRead([address, bits]: Block): Block {
  const isIpv4 = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96;
  return isIpv4 ? [address.toIPv4Address(), bits - 96] : [address, bits];
}

function isInside(address: Address, block: Block | undefined): boolean {
  return block !== undefined && address.kind() === block[0].kind() && address.match(block[0], block[1]);
}
