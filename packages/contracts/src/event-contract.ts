import { OperationalError } from '@daybook/core';
import { z } from 'zod';

/** One published fact: schema, version, topic and partition key. Contracts are additive only. */
export type EventContract<Type extends string, Data extends z.ZodType> = {
  readonly type: Type;
  readonly version: number;
  readonly topic: string;
  /** When it is emitted, in one sentence; printed in docs/events.md. */
  readonly summary: string;
  readonly data: Data;
  /** Partition key. Everything that must stay ordered shares one key. */
  key(data: z.output<Data>): string;
  /** Lifts version n to n + 1. Removing an entry makes old events unreadable. */
  readonly upcast: Readonly<Record<number, (data: unknown) => unknown>>;
};

export type AnyEventContract = EventContract<string, z.ZodType>;

export function defineEvent<const Type extends string, Data extends z.ZodType>(
  contract: Omit<EventContract<Type, Data>, 'upcast'> & Partial<Pick<EventContract<Type, Data>, 'upcast'>>,
): EventContract<Type, Data> {
  const upcast = contract.upcast ?? {};
  for (let version = 1; version < contract.version; version++) {
    if (!upcast[version]) throw new Error(`${contract.type}: no upcast from version ${version}`);
  }
  return Object.freeze({ ...contract, upcast });
}

/** The same on every topic. `data` is what the contract of (`type`, `version`) says. */
export const envelope = z.object({
  /** Stable over republication: consumers deduplicate on it, in the one spelling that Postgres answers in. */
  id: z.uuid().toLowerCase(),
  type: z.string(),
  version: z.number().int().positive(),
  occurredAt: z.iso.datetime(),
  stream: z.string(),
  streamVersion: z.string().regex(/^\d+$/),
  correlationId: z.string(),
  causationId: z.string(),
  data: z.unknown(),
});

/**
 * Lifts `raw` from `version` to the contract's version and decodes it. A version newer than this build is OperationalError
 * `version_unknown`: while a release is rolled out a producer may be ahead, and the build that follows reads it.
 */
export function decodeData<Data extends z.ZodType>(
  contract: EventContract<string, Data>,
  version: number,
  raw: unknown,
): z.output<Data> {
  if (version > contract.version) {
    const detail = `${contract.type} v${version} is newer than this build`;
    throw new OperationalError('version_unknown', true, { detail });
  }
  let data = raw;
  for (let v = version; v < contract.version; v++) data = contract.upcast[v]?.(data);
  return z.decode(contract.data, data as z.input<Data>);
}

export function encodeData<Data extends z.ZodType>(
  contract: EventContract<string, Data>,
  data: z.output<Data>,
): unknown {
  return z.encode(contract.data, data);
}
