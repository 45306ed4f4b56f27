import {
  getBookAccount as read,
  openBookAccount as open,
  setAccountLimits as limit,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import type { Clock } from '@daybook/runtime';
import { availableOf, isOwnAccount } from '../domain/account';
import { hashOf, metadataOf } from './book-operation';
import { refusalOf, watermarkOf, type Books } from './books';
import { newIdOf } from './caller-ids';
import { answerTo, dryRunOf } from './dry-run';

type Deps = { readonly books: Books; readonly now: Clock };

/** Idempotent by the account's id. A tenant opens its own books only. */
export function openBookAccount({ books, now }: Deps) {
  return async (request: CallRequest<typeof open>): Promise<CallOutcome<typeof open>> => {
    const { mode, tenantId, actor, dryRun, accountId, ownerId, asset, type: accountType, floor, ceiling } = request;
    const isForeign =
      tenantId !== null && (ownerId !== tenantId || !isOwnAccount({ accountId, tenantId: ownerId }, tenantId));
    if (isForeign) return refusalOf(open, 'account_exists_with_different_fields');
    const fields = { accountId, tenantId: ownerId, asset, accountType, floor, ceiling };
    const metadata = metadataOf(request.metadata);
    const command = { type: 'OpenAccount', ...fields, metadata, asked: { tenantId, actor } } as const;
    const engine = books.of(mode);
    const answer = await (dryRun ? dryRunOf(engine, command, now) : answerTo(engine, command));
    if (!answer.ok) return refusalOf(open, answer.rejection, answer.replayed);
    return { ok: true, value: { accountId, openedAt: answer.at, replayed: answer.replayed } };
  };
}

export function setAccountLimits({ books, now }: Deps) {
  return async (request: CallRequest<typeof limit>): Promise<CallOutcome<typeof limit>> => {
    const { mode, tenantId, actor, dryRun, accountId, floor, ceiling } = request;
    const command = {
      type: 'SetAccountLimits',
      changeId: newIdOf(tenantId, request.changeId),
      contentHash: hashOf({ type: 'limits', accountId, floor, ceiling }),
      tenantId,
      accountId,
      floor,
      ceiling,
      actor,
    } as const;
    const engine = books.of(mode);
    const answer = await (dryRun ? dryRunOf(engine, command, now) : answerTo(engine, command));
    if (!answer.ok) return refusalOf(limit, answer.rejection, answer.replayed);
    const { ok: _ok, ...receipt } = answer;
    return { ok: true, value: { accountId, ...receipt } };
  };
}

/** A strong read. A tenant sees every account that it owns, wallets included. */
export function getBookAccount(books: Books) {
  return async ({ mode, tenantId, accountId }: CallRequest<typeof read>): Promise<CallOutcome<typeof read>> =>
    books.of(mode).read((state) => {
      const account = state.accounts.get(accountId);
      if (account === undefined || (tenantId !== null && account.tenantId !== tenantId))
        return refusalOf(read, 'account_not_found');
      const { asset, accountType: type, posted, held, incoming, frozen, updatedAt } = account;
      const { tenantId: ownerId, floor, ceiling, metadata, version, openedAt } = account;
      const balance = {
        accountId,
        asset,
        type,
        posted,
        held,
        available: availableOf(account),
        incoming,
        frozen,
        updatedAt,
      };
      return {
        ok: true,
        value: {
          ...balance,
          ownerId,
          floor,
          ceiling,
          metadata: metadata && { ...metadata },
          version,
          openedAt,
          watermark: watermarkOf(state),
        },
      };
    });
}
