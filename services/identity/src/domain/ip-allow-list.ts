/** Address blocks that a credential may be used from. Text in, canonical CIDR out; nothing is resolved. */

/** Blocks that a list holds at most. */
export const allowListMax = 100;

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4Block = new RegExp(`^(${octet}(?:\\.${octet}){3})(?:/(3[0-2]|[12]?\\d))?$`);
const ipv6Block = /^([0-9a-f:]{2,39})(?:\/(12[0-8]|1[01]\d|[1-9]?\d))?$/;
const ipv6Groups = /^[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*$/;

/** The blocks in canonical form, or undefined if one is not an IPv4 or IPv6 block or there are too many. */
export function canonicalAllowList(blocks: readonly string[]): readonly string[] | undefined {
  if (blocks.length > allowListMax) return undefined;
  const canonical = new Set<string>();
  for (const block of blocks) {
    const text = canonicalBlock(block);
    if (text === undefined) return undefined;
    canonical.add(text);
  }
  return [...canonical];
}

/** A bare address is the block of that one address. */
function canonicalBlock(block: string): string | undefined {
  const text = block.toLowerCase();
  const [, ipv4, prefix4 = '32'] = ipv4Block.exec(text) ?? [];
  if (ipv4 !== undefined) return `${ipv4}/${prefix4}`;
  const [, ipv6, prefix6 = '128'] = ipv6Block.exec(text) ?? [];
  return ipv6 !== undefined && isIpv6(ipv6) ? `${ipv6}/${prefix6}` : undefined;
}

function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  if (!halves.every((half) => half === '' || ipv6Groups.test(half))) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':'))).length;
  // `::` stands for one group of zeros or more.
  return halves.length === 2 ? groups <= 7 : groups === 8;
}
