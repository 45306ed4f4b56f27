/** What a replay was asked and what it found, in the names and the decimals of the API. */
import { asset, mode, replayParameters, replayReport as stored } from '@daybook/contracts';
import type { AssetCode } from '@daybook/money';
import { z } from 'zod';
import { decimal, decimalOf } from './ledger-fields';

const wholeOrNull = z.number().int().nullable();

export const replayAsked = z.strictObject({
  dry_run: z.boolean(),
  accept_differences: z.boolean(),
  tenant_id: z.string().nullable(),
  account_id: z.string().nullable(),
  from_sequence: wholeOrNull,
  to_sequence: wholeOrNull,
});

/** A newer ledger may have more of them. */
const storedParameters = z.object(replayParameters.shape);

export function describeReplayAsked(parameters: unknown): z.input<typeof replayAsked> {
  const { dryRun, acceptDifferences, tenantId, accountId, from, to } = storedParameters.parse(parameters);
  return {
    dry_run: dryRun,
    accept_differences: acceptDifferences,
    tenant_id: tenantId,
    account_id: accountId,
    from_sequence: from,
    to_sequence: to,
  };
}

const count = z.number().int();
const amount = decimal.nullable();
const assetOrNull = asset.nullable().meta({
  description: 'Null in reports from before they named it, and their amounts with it.',
});
const balances = z.strictObject({
  posted: amount,
  held: amount,
  incoming: amount,
  entries: count.meta({ description: 'How many there are.' }),
});

export const replayReport = z.strictObject({
  dry_run: z.boolean(),
  scope: z.strictObject({
    mode,
    tenant_id: z.string().nullable(),
    account_id: z.string().nullable(),
    from_sequence: wholeOrNull,
    to_sequence: wholeOrNull,
  }),
  events: count.meta({ description: 'Of all books, up to the place of the comparison.' }),
  event_types: z.record(z.string(), count).meta({ description: "Events of the scope's book and range, by type." }),
  equal: z.boolean().meta({ description: 'Whether every table is the same, whatever the scope.' }),
  missing: z.array(z.string()).meta({ description: 'What the live tables have lost, a sentence each.' }),
  switched: z.boolean(),
  generation: count,
  replaces: count,
  table_hashes: z.array(z.strictObject({ table: z.string(), live: z.string().nullable(), rebuilt: z.string() })),
  tables: z
    .array(
      z.strictObject({
        table: z.string(),
        live: count,
        rebuilt: count,
        only_live: count,
        only_rebuilt: count,
        changed: count,
      }),
    )
    .meta({ description: 'Rows in the scope.' }),
  accounts: z
    .array(
      z.strictObject({
        account_id: z.string(),
        asset: assetOrNull,
        live: balances,
        rebuilt: balances,
        delta: balances.meta({ description: 'What the replay adds.' }),
      }),
    )
    .meta({ description: 'The first of those whose balances differ.' }),
  accounts_differing: count,
  range: z
    .array(z.strictObject({ account_id: z.string(), asset: assetOrNull, live: amount, rebuilt: amount, delta: amount }))
    .nullable()
    .meta({ description: 'Debits less credits between the sequences; null when no range was asked for.' }),
});

type Found = z.output<typeof stored>;

/** Null of a replay that was cancelled, whose report says nothing. */
export function describeReplayReport(report: Readonly<Record<string, unknown>>): z.input<typeof replayReport> | null {
  if (Object.keys(report).length === 0) return null;
  const found = stored.parse(report);
  const { scope } = found;
  return {
    dry_run: found.dryRun,
    scope: {
      mode: scope.mode,
      tenant_id: scope.tenantId,
      account_id: scope.accountId,
      from_sequence: scope.from,
      to_sequence: scope.to,
    },
    events: found.events,
    event_types: found.eventTypes,
    equal: found.equal,
    missing: found.missing,
    switched: found.switched,
    generation: found.generation,
    replaces: found.replaces,
    table_hashes: found.tableHashes,
    tables: found.tables.map(({ onlyLive, onlyRebuilt, changed, ...rows }) => ({
      ...rows,
      only_live: onlyLive,
      only_rebuilt: onlyRebuilt,
      changed,
    })),
    accounts: found.accounts.map(describeAccount),
    accounts_differing: found.accountsDiffering,
    range: found.range?.map(describeRange) ?? null,
  };
}

function describeAccount({ accountId, asset: code, live, rebuilt, delta }: Found['accounts'][number]) {
  const shown = ({ posted, held, incoming, entries }: typeof live) => ({
    posted: amountOrNull(posted, code),
    held: amountOrNull(held, code),
    incoming: amountOrNull(incoming, code),
    entries,
  });
  return { account_id: accountId, asset: code, live: shown(live), rebuilt: shown(rebuilt), delta: shown(delta) };
}

function describeRange({ accountId, asset: code, live, rebuilt, delta }: NonNullable<Found['range']>[number]) {
  return {
    account_id: accountId,
    asset: code,
    live: amountOrNull(live, code),
    rebuilt: amountOrNull(rebuilt, code),
    delta: amountOrNull(delta, code),
  };
}

/** Minor units of nobody knows what would be taken for an amount. */
function amountOrNull(units: bigint, code: AssetCode | null): string | null {
  return code === null ? null : decimalOf(units, code);
}
