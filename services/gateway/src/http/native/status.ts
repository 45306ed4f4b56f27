import { getLedgerStatus, mode, serviceStatusCall, type CallOutcome, type ServiceStatusCall } from '@daybook/contracts';
import { isOperationalError } from '@daybook/core';
import { z } from 'zod';
import type { Ask, Services } from '../../ports';
import { timestampField } from '../fields';
import { errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect } from './dialect';
import type { ParkedDeps } from './parked';

type Deps = ParkedDeps & { readonly services: Services };
type LedgerStatus = Extract<CallOutcome<typeof getLedgerStatus>, { ok: true }>['value'];

const count = z.number().int();
const book = z.strictObject({
  mode,
  events: count,
  last_checkpoint: z.strictObject({ size: count, signed_at: timestampField, key_id: z.string() }).nullable(),
  signing_late_s: z
    .number()
    .nullable()
    .meta({
      description:
        'Seconds that an event has waited for a checkpoint beyond `CHECKPOINT_DELAY_MS`; 0 when none has, null where ' +
        'nothing is signed.',
    }),
});
const service = z.strictObject({
  name: z.string(),
  ready: z.boolean(),
  readers: z
    .array(z.strictObject({ name: z.string(), waits_s: z.number() }))
    .nullable()
    .meta({
      description:
        'Who follows its log: read models, the relay that tells others, and what else has a place in it. For how many seconds ' +
        'each has not moved although there is an event for it; 0 when there is none. Read models that are being built are ' +
        'left out. Null when the service is not ready.',
    }),
});
const writer = z.strictObject({ application: z.string(), database: z.string(), age_s: z.number() }).meta({
  description:
    'The oldest open transaction of the database server that has written, of whatever application: no reader gets past ' +
    'it. Null when there is none, and when no service answers.',
});
const reader = z.strictObject({ name: z.string(), applied: count, lag: count, moved_at: timestampField });

export function statusRoutes(deps: Deps): Route[] {
  return [readStatus(deps)];
}

function readStatus(deps: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ops/status',
    summary: 'Status of the services and the books',
    description:
      'Which services are ready, for how long what they have recorded waits to be told, how long each book is and how ' +
      'much of it is signed, and how far behind each reader of the journal is, in events; read models that a replay has ' +
      'replaced are none. `books` and `readers` are null while the ledger does not answer, `parked_keys` while a service that ' +
      'may have some does not.',
    access: ['ops'],
    request: { query: z.strictObject({}) },
    responses: {
      200: {
        description: 'As it is now.',
        schema: z.strictObject({
          services: z.array(service),
          books: z.array(book).nullable(),
          readers: z.array(reader).nullable(),
          oldest_writer: writer.nullable(),
          parked_keys: count.nullable().meta({ description: 'Keys with parked messages; 100 stands for more too.' }),
        }),
        example: {
          services: [{ name: 'ledger', ready: true, readers: [{ name: 'relay ledger', waits_s: 0 }] }],
          books: [
            {
              mode: 'live',
              events: 1_204,
              last_checkpoint: {
                size: 1_200,
                signed_at: '2026-02-11T10:06:10.000Z',
                key_id: '9f86d081'.repeat(8),
              },
              signing_late_s: 0,
            },
          ],
          readers: [{ name: 'ledger_v1', applied: 1_204, lag: 0, moved_at: '2026-02-11T10:06:10.000Z' }],
          oldest_writer: { application: 'daybook ledger', database: 'daybook', age_s: 0.004 },
          parked_keys: 0,
        },
      },
      ...errorsOf(nativeDialect),
    },
    async handle() {
      const [services, ledger, parked] = await Promise.all([
        Promise.all(
          Object.entries(nameOf).map(([key, name]) => askService(deps.services[key as keyof Services], name)),
        ),
        answered(deps.services.ledger(getLedgerStatus, {})),
        parkedKeys(deps.parked),
      ]);
      const status = ledger?.ok === true ? ledger.value : null;
      const own = { name: 'gateway', ready: true, readers: [] };
      return {
        body: {
          services: [...services.map(({ service: each }) => each), own].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
          books: status === null ? null : status.books.map(describeBook),
          readers: status === null ? null : status.readers.map(describeReader),
          oldest_writer: oldestOf(services.flatMap(({ oldestWriter }) => oldestWriter ?? [])),
          parked_keys: parked.reduce<number | null>(
            (sum, keys) => (sum === null || keys === null ? null : sum + keys),
            0,
          ),
        },
      };
    },
  });
}

const nameOf: Readonly<Record<keyof Services, string>> = {
  identity: 'identity',
  intents: 'intents',
  ledger: 'ledger',
  chainWatcher: 'chain-watcher',
  notifications: 'notifications',
  settlement: 'settlement',
};

async function askService(ask: Ask, name: string) {
  const outcome = await answered(ask(serviceStatusCall(name), {}));
  const told = outcome?.ok === true ? outcome.value : null;
  return {
    service: { name, ready: told !== null, readers: told?.readers.map(describeWait) ?? null },
    oldestWriter: told?.oldestWriter ?? null,
  };
}

type Writer = NonNullable<Extract<CallOutcome<ServiceStatusCall>, { ok: true }>['value']['oldestWriter']>;

/** As a rule all services are on one server, and tell of the same. */
function oldestOf(writers: readonly Writer[]) {
  const [oldest] = writers.toSorted((a, b) => b.ageS - a.ageS);
  if (oldest === undefined) return null;
  return { application: oldest.application, database: oldest.database, age_s: oldest.ageS };
}

const describeWait = ({ name, waitsS }: { readonly name: string; readonly waitsS: number }) => ({
  name,
  waits_s: waitsS,
});

const describeBook = ({ mode: of, events, lastCheckpoint, signingLateS = null }: LedgerStatus['books'][number]) => ({
  mode: of,
  events,
  last_checkpoint:
    lastCheckpoint === null
      ? null
      : { size: lastCheckpoint.size, signed_at: lastCheckpoint.signedAt, key_id: lastCheckpoint.keyId },
  signing_late_s: signingLateS,
});

const describeReader = ({ name, applied, lag, movedAt }: LedgerStatus['readers'][number]) => ({
  name,
  applied,
  lag,
  moved_at: movedAt,
});

/** Of each service that consumes; null where it does not answer. */
function parkedKeys(parked: ParkedDeps['parked']) {
  return Promise.all(
    Object.values(parked).map(async ({ list }) => {
      const outcome = await answered(list({ limit: 100 }));
      return outcome?.ok === true ? outcome.value.keys.length : null;
    }),
  );
}

async function answered<Answer>(asking: Promise<Answer>): Promise<Answer | null> {
  return asking.catch((error: unknown) => {
    if (isOperationalError(error)) return null;
    throw error;
  });
}
