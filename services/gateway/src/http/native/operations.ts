import { chainStatus, rescanBlocksMax, rescanChain, reverseTransfer, setAccountFrozen } from '@daybook/contracts';
import { jsonInteger } from '@daybook/http';
import { codeFrom, uuidv7 } from '@daybook/runtime';
import { assets, formatAmount } from '@daybook/money';
import { z } from 'zod';
import type { Services } from '../../ports';
import { optionalKeyHeader, pathId, timestampField } from '../fields';
import { accepted } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, nativeRejections } from './dialect';
import { dryRun, dryRunShown, keyInvalid } from './ledger-fields';

type Deps = { readonly services: Pick<Services, 'ledger' | 'chainWatcher'> };

/** Operators act on every tenant, in the mode of their credential. The ledger records who did it. */
export function operationRoutes(deps: Deps): Route[] {
  return [freezing(deps, true), freezing(deps, false), reverse(deps), chains(deps), rescans(deps)];
}

function freezing({ services: { ledger } }: Deps, frozen: boolean): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: `/v1/ops/accounts/{id}/${frozen ? 'freeze' : 'unfreeze'}`,
    summary: frozen ? 'Freeze an account' : 'Unfreeze an account',
    description:
      (frozen
        ? 'What needs its consent is refused until it is unfrozen, and transfers that are being confirmed fail. What has ' +
          'happened anyway is recorded all the same, and operators can still reverse a transfer.'
        : 'Money may move again.') +
      ' A repeat with the same `Idempotency-Key` gets the original answer with `Idempotent-Replayed: true` and changes ' +
      'nothing, whatever was decided about the account since; without a key it is a decision of its own.',
    access: ['ops'],
    request: {
      params: z.strictObject({ id: pathId }),
      query: z.strictObject({}),
      headers: optionalKeyHeader,
      body: z.strictObject({ dry_run: dryRun }),
      bodyOptional: true,
      bodyExample: {},
    },
    paramsInvalid: nativeRejections.account_not_found,
    responses: {
      200: {
        description: 'Done, or done before.',
        schema: z.strictObject({ account_id: z.string(), frozen: z.boolean(), dry_run: dryRunShown }),
        example: { account_id: 'WALLET123', frozen, dry_run: false },
        headers: replayedHeader,
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        keyInvalid,
        nativeRejections.account_not_found,
        nativeRejections.id_reused,
      ]),
    },
    async handle({ caller, params, headers, body }) {
      const key = headers['Idempotency-Key'];
      const verb = frozen ? 'ops.freeze' : 'ops.unfreeze';
      const outcome = await ledger(setAccountFrozen, {
        mode: caller.mode,
        ...(key !== undefined && { changeId: codeFrom('FZ', [caller.tenantId, verb, params.id, key]) }),
        accountId: params.id,
        frozen,
        actor: caller.credentialId,
        dryRun: body.dry_run,
      });
      const { replayed = false } = accepted<typeof setAccountFrozen>(outcome, nativeRejections);
      return { headers: replayedIf(replayed), body: { account_id: params.id, frozen, dry_run: body.dry_run } };
    },
  });
}

const reversal = z.strictObject({
  transaction_id: z.string().meta({ description: 'Of the transfer.' }),
  reversal_id: z.string().nullable().meta({ description: 'Id of the transaction that reverses it.' }),
  posted_at: timestampField.nullable().meta({ description: 'When that one was recorded.' }),
  ledger_reference: z.string().nullable().meta({ description: 'Null in a dry run.' }),
  dry_run: dryRunShown,
});
const reversalExample = {
  transaction_id: 'TX2001',
  reversal_id: 'reversal:TX2001',
  posted_at: '2026-02-11T10:06:10.000Z',
  ledger_reference: `0x${'9f86d081'.repeat(8)}`,
  dry_run: false,
} as const;

function reverse({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ops/transfers/{id}/reverse',
    summary: 'Reverse a transfer',
    description:
      'Posts the opposite entries, once, linked to the transfer. A repeat with the same `Idempotency-Key` gets the ' +
      'original answer with `Idempotent-Replayed: true`, also when that was a refusal; without a key each request is a ' +
      'decision of its own.',
    access: ['ops'],
    request: {
      params: z.strictObject({ id: pathId }),
      query: z.strictObject({}),
      headers: optionalKeyHeader,
      body: z.strictObject({ dry_run: dryRun }),
      bodyOptional: true,
      bodyExample: {},
    },
    paramsInvalid: nativeRejections.transfer_not_found,
    responses: {
      200: {
        description: 'Reversed, or reversed before with the same key.',
        schema: reversal,
        example: reversalExample,
        headers: replayedHeader,
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        keyInvalid,
        nativeRejections.transfer_not_found,
        nativeRejections.transfer_not_confirmed,
        nativeRejections.id_reused,
        nativeRejections.transfer_already_reversed,
        nativeRejections.insufficient_balance,
      ]),
    },
    async handle({ caller, params, headers, body }) {
      const key = headers['Idempotency-Key'];
      const parts = key === undefined ? [uuidv7()] : [caller.tenantId, 'ops.reverse', params.id, key];
      const outcome = await ledger(reverseTransfer, {
        mode: caller.mode,
        reversalId: codeFrom('RV', parts),
        transferId: params.id,
        actor: caller.credentialId,
        dryRun: body.dry_run,
      });
      const reversed = accepted<typeof reverseTransfer>(outcome, nativeRejections);
      return {
        headers: replayedIf(reversed.replayed),
        body: {
          transaction_id: reversed.transferId,
          // Null while the ledger is of an earlier release.
          reversal_id: reversed.transactionId ?? null,
          posted_at: reversed.at ?? null,
          ledger_reference: reversed.ledgerReference,
          dry_run: body.dry_run,
        },
      };
    },
  });
}

const chain = z.strictObject({
  chain: z.string(),
  head_number: z.number().int().nullable(),
  head_changed_at: timestampField.nullable(),
  cursor_number: z.number().int().nullable(),
  cursor_hash: z.string().nullable(),
  lag_blocks: z.number().int().nullable(),
  updated_at: timestampField.nullable(),
  error: z.string().nullable(),
  alarm: z.enum(['halted', 'frozen', 'lagging', 'asset_off']).nullable(),
  unexplained_count: z.number().int(),
  unexplained: z.array(
    z.strictObject({
      address: z.string(),
      reference: z.string(),
      asset: z.string(),
      amount: z.string(),
      block_number: z.number().int(),
    }),
  ),
});

const chainsExample = {
  chains: [
    {
      chain: 'evm',
      head_number: 1204,
      head_changed_at: '2026-02-11T10:06:10.000Z',
      cursor_number: 1204,
      cursor_hash: `0x${'9f86d081'.repeat(8)}`,
      lag_blocks: 0,
      updated_at: '2026-02-11T10:06:10.000Z',
      error: null,
      alarm: null,
      unexplained_count: 1,
      unexplained: [
        {
          address: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
          reference: '018f2b6e-9d3c-7b1a-8a57-3f1d5c2e7a90',
          asset: 'ETH',
          amount: '0.25',
          block_number: 1200,
        },
      ],
    },
  ],
};

function chains({ services: { chainWatcher } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ops/chains',
    summary: 'Status of the chains',
    description:
      'How far each watcher is, how far behind, and whether somebody has to look: `alarm` is `halted` when it will not go ' +
      'on by itself, `frozen` when the newest block has not changed for long, `lagging` when the cursor is far behind, and ' +
      '`asset_off` when an asset of it is not credited. `unexplained` lists addresses whose balance differs from what their ' +
      'deposits come to, the largest first and at most 100: coin that a contract sent on is in no deposit.',
    access: ['ops'],
    request: { query: z.strictObject({}) },
    responses: {
      200: {
        description: 'Every chain that is watched.',
        schema: z.strictObject({ chains: z.array(chain) }),
        example: chainsExample,
      },
      ...errorsOf(nativeDialect),
    },
    async handle() {
      const outcome = await chainWatcher(chainStatus, {});
      const status = accepted<typeof chainStatus>(outcome, nativeRejections);
      return {
        body: {
          chains: status.chains.map((watched) => ({
            chain: watched.chain,
            head_number: watched.headNumber,
            head_changed_at: watched.headChangedAt,
            cursor_number: watched.cursorNumber,
            cursor_hash: watched.cursorHash,
            lag_blocks: watched.lagBlocks,
            updated_at: watched.updatedAt,
            error: watched.error,
            alarm: watched.alarm ?? null,
            unexplained_count: watched.unexplainedCount ?? 0,
            unexplained: (watched.unexplained ?? []).map(({ address, reference, asset, amount, blockNumber }) => ({
              address,
              reference,
              asset,
              amount: formatAmount(amount, assets[asset].scale),
              block_number: blockNumber,
            })),
          })),
        },
      };
    },
  });
}

const blockNumber = jsonInteger
  .refine((number) => number >= 0, 'must be a whole number from 0')
  .meta({ override: { type: 'integer', minimum: 0 } });

function rescans({ services: { chainWatcher } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ops/chains/{chain}/rescans',
    summary: 'Read blocks again',
    description:
      `Reads blocks that were scanned before, both ends included and at most ${rescanBlocksMax}. Deposits that were missed are ` +
      'recorded as if they were seen now, and what is not final yet as it is told now; what is final does not change. It may be ' +
      'repeated.',
    access: ['ops'],
    request: {
      params: z.strictObject({ chain: z.string().min(1).max(64) }),
      query: z.strictObject({}),
      body: z.strictObject({ from: blockNumber, to: blockNumber }),
      bodyExample: { from: 1000, to: 1099 },
    },
    paramsInvalid: nativeRejections.chain_not_found,
    responses: {
      200: {
        description: 'Read. `deposits` counts those that were known, too.',
        schema: z.strictObject({ blocks: z.number().int(), deposits: z.number().int() }),
        example: { blocks: 100, deposits: 3 },
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        nativeRejections.chain_not_found,
        nativeRejections.range_invalid,
        nativeRejections.range_not_scanned,
      ]),
    },
    async handle({ params, body }) {
      const outcome = await chainWatcher(rescanChain, { chain: params.chain, ...body });
      const { blocks, deposits } = accepted<typeof rescanChain>(outcome, nativeRejections);
      return { body: { blocks, deposits } };
    },
  });
}
