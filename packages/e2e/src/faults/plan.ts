/**
 * What a run does and what is done to it, from its seed alone: the operations of each client with their keys and moments,
 * and the faults with their moments, targets and lengths. Nothing here looks at a clock or at an answer.
 */
import { seededRandom, type SeededRandom } from '@daybook/testing';
import { calls, services, type ServiceName } from './services';

export const faultKinds = [
  'kill',
  'pause',
  'broker-stop',
  'broker-kill',
  'postgres-restart',
  'cut',
  'lost',
  'stalled',
  'slow',
  'duplicates',
  'disk-full',
  'clock',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export type PlannedFault = {
  readonly kind: FaultKind;
  /** A service, a link, `postgres`, `kafka`, a topic; what a fault takes hold of. */
  readonly target: string;
  /** After the first operation. */
  readonly atMs: number;
  readonly forMs: number;
  /** Of a clock. */
  readonly shiftMs?: number;
  /** Of what else is drawn while it lasts. */
  readonly seed: number;
};

/** Amounts are in minor units. `of` names an earlier operation of the same client by its key. */
export type Operation =
  | { readonly kind: 'transfer'; readonly from: number; readonly to: number; readonly amount: bigint }
  | { readonly kind: 'post'; readonly debit: string; readonly credit: string; readonly amount: bigint }
  | {
      readonly kind: 'bulk';
      readonly atomic: boolean;
      readonly items: readonly { readonly debit: string; readonly credit: string; readonly amount: bigint }[];
    }
  | {
      readonly kind: 'hold';
      readonly account: string;
      readonly amount: bigint;
      /** After the run has begun; null for never. */
      readonly expiresAfterMs: number | null;
    }
  | {
      readonly kind: 'capture';
      readonly of: string;
      readonly credit: string;
      readonly amount: bigint | null;
      readonly final: boolean;
    }
  | { readonly kind: 'release'; readonly of: string }
  | { readonly kind: 'reverse'; readonly of: string }
  | { readonly kind: 'intent'; readonly currency: Currency; readonly amount: bigint }
  | { readonly kind: 'deposit'; readonly of: string; readonly currency: Currency; readonly amount: bigint };

export type OperationKind = Operation['kind'];
export type Currency = 'USDT_TRC20' | 'USDT_SOL' | 'SOL' | 'UPI';

export type PlannedOperation = {
  readonly key: string;
  readonly atMs: number;
  readonly operation: Operation;
  /** It is sent again with the same key although it was answered. */
  readonly again: boolean;
};

export type Plan = {
  readonly seed: number;
  readonly clients: readonly (readonly PlannedOperation[])[];
  readonly faults: readonly PlannedFault[];
};

const clientCount = 8;
const operationsPerClient = 18;
const windowMs = 5_000;
export const walletCount = 4;

export function planOf(seed: number, available: readonly FaultKind[] = faultKinds): Plan {
  const random = seededRandom(seed);
  const faults = faultsOf(seed, random, available);
  const clients = Array.from({ length: clientCount }, (_, client) => operationsOf(seed, client, random));
  return { seed, clients, faults };
}

/** The first kind goes round with the seed, so that any twelve seeds in a row have all of them. */
function faultsOf(seed: number, random: SeededRandom, available: readonly FaultKind[]): PlannedFault[] {
  const kinds = [faultKinds[seed % faultKinds.length]!];
  for (let more = random.below(3); more > 0; more--) kinds.push(random.pick(faultKinds));
  const taken = new Set<string>();
  return kinds
    .map((kind) => ({ kind, ...detailsOf(kind, random), seed: random.below(2 ** 31) }))
    .filter(({ kind, target }) => {
      // Two faults of one thing would heal each other.
      const thing = topics.includes(target) ? 'kafka' : target.replace(/^disk$/, 'postgres');
      if (!available.includes(kind) || taken.has(thing)) return false;
      taken.add(thing);
      return true;
    });
}

/** Nothing that is planned asks over these. */
const unusedLinks = ['gateway>settlement', 'gateway>notifications', 'settlement>ledger'];
/** Only what is new passes over these: a credential that the gateway does not know yet. A run may have none. */
export const idleLinks = ['gateway>identity', 'identity>kafka'];
const links = [
  ...services.flatMap((service) => [`${service}>postgres`, `${service}>kafka`]),
  ...calls.map(([from, to]) => `${from}>${to}`),
].filter((link) => !unusedLinks.includes(link));
const topics = [
  'identity.credentials',
  'chain-watcher.deposits',
  'intents.intents',
  'ledger.transactions',
  'ledger.transfers',
  'settlement.settlements',
];
const minuteMs = 60_000;
/** The larger ones pass the time of intents and holds, which is longer than any run. */
const clockShiftsMs = [-1_440 * minuteMs, -120 * minuteMs, -10_000, 10_000, 120 * minuteMs, 1_440 * minuteMs];
const holdExpiresAfterMs = 60 * minuteMs;
/** Of every three faults of services, one is of the ledger's. */
const servicesDrawn: readonly ServiceName[] = [...services, 'ledger', 'ledger', 'ledger'];

type Details = Pick<PlannedFault, 'target' | 'atMs' | 'forMs' | 'shiftMs'>;

function detailsOf(kind: FaultKind, random: SeededRandom): Details {
  const between = (from: number, to: number) => from + random.below(to - from);
  const atMs = between(300, 3_000);
  switch (kind) {
    case 'kill':
      return { target: random.pick(servicesDrawn), atMs, forMs: between(0, 1_500) };
    case 'pause':
      return { target: random.pick(servicesDrawn), atMs, forMs: between(2_500, 4_500) };
    case 'broker-stop':
    case 'broker-kill':
      return { target: 'kafka', atMs, forMs: between(200, 2_000) };
    case 'postgres-restart':
      return { target: 'postgres', atMs, forMs: between(0, 1_500) };
    case 'cut':
    case 'lost':
    case 'stalled':
      return { target: random.pick(links), atMs, forMs: between(300, 3_000) };
    case 'slow':
      return { target: random.pick(links), atMs, forMs: between(1_000, 4_000) };
    case 'duplicates':
      return { target: random.pick(topics), atMs: between(1_500, 4_500), forMs: 0 };
    case 'disk-full':
      return { target: 'disk', atMs, forMs: between(500, 2_500) };
    case 'clock':
      return {
        target: random.pick(servicesDrawn),
        atMs,
        forMs: between(1_000, 4_000),
        shiftMs: random.pick(clockShiftsMs),
      };
  }
}

const power = (random: SeededRandom, below: number) => 2n ** BigInt(random.below(below));
const currencies: readonly Currency[] = ['USDT_TRC20', 'USDT_SOL', 'SOL', 'UPI'];

/** Keys are of the seed, so that no two runs share one. The first operation is an intent that waits until the end. */
function operationsOf(seed: number, client: number, random: SeededRandom): PlannedOperation[] {
  const planned: PlannedOperation[] = [];
  while (planned.length < operationsPerClient) {
    const key = `f${seed}-${client}-${planned.length}`;
    const isFirst = client === 0 && planned.length === 0;
    const group = isFirst ? [unpaid] : drawnGroup(random, key, planned);
    for (const [index, operation] of group.entries()) {
      const atMs = Math.round((planned.length / operationsPerClient) * windowMs) + random.below(100);
      planned.push({ key: index === 0 ? key : `${key}.${index}`, atMs, operation, again: random.chance(0.15) });
    }
  }
  return planned;
}

function drawnGroup(random: SeededRandom, key: string, before: readonly PlannedOperation[]): readonly Operation[] {
  return random.chance(0.12) ? intentAndDeposits(random, key) : [drawn(random, before)];
}

function drawn(random: SeededRandom, before: readonly PlannedOperation[]): Operation {
  const keysOf = (...kinds: readonly OperationKind[]) =>
    before.filter(({ operation }) => kinds.includes(operation.kind)).map(({ key }) => key);
  const [holds, postings] = [keysOf('hold'), keysOf('post', 'capture')];
  const choice = random.below(100);
  if (choice < 45) {
    const from = random.below(walletCount);
    return {
      kind: 'transfer',
      from,
      to: (from + 1 + random.below(walletCount - 1)) % walletCount,
      amount: power(random, 12),
    };
  }
  if (choice < 62) return { kind: 'post', ...entryOf(random) };
  if (choice < 70) {
    const items = Array.from({ length: 2 + random.below(5) }, () => entryOf(random));
    return { kind: 'bulk', atomic: random.chance(0.5), items };
  }
  if (choice < 80 || holds.length === 0) {
    const expiresAfterMs = random.chance(0.5) ? holdExpiresAfterMs : null;
    return { kind: 'hold', account: 'customers', amount: power(random, 14), expiresAfterMs };
  }
  if (choice < 92) return ofHold(random, random.pick(holds));
  return postings.length === 0 ? { kind: 'post', ...entryOf(random) } : { kind: 'reverse', of: random.pick(postings) };
}

/** Money comes in, or goes on to the fees, which the customers may not have enough for. */
function entryOf(random: SeededRandom) {
  const [debit, credit] = random.chance(0.4) ? ['cash', 'customers'] : ['customers', 'fees'];
  return { debit: debit!, credit: credit!, amount: power(random, 14) };
}

function ofHold(random: SeededRandom, of: string): Operation {
  if (random.chance(0.3)) return { kind: 'release', of };
  const amount = random.chance(0.3) ? null : power(random, 13);
  return { kind: 'capture', of, credit: 'fees', amount, final: random.chance(0.3) };
}

const unpaid: Operation = { kind: 'intent', currency: 'UPI', amount: 100n };

/** Paid exactly, in parts, too much, too little, twice. */
function intentAndDeposits(random: SeededRandom, key: string): readonly Operation[] {
  const currency = random.pick(currencies);
  const units = 100 + random.below(100_000);
  const [amount, part] = [BigInt(units), 1n + BigInt(random.below(units - 1))];
  const deposits = random.pick([[amount], [part, amount - part], [amount + part], [part], [amount, part]]);
  const paid = deposits.map((each): Operation => ({ kind: 'deposit', of: key, currency, amount: each }));
  return [{ kind: 'intent', currency, amount }, ...paid];
}
