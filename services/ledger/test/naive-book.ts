/**
 * A second model of a book, written to be obvious and slow: it keeps lists of what happened and adds them up again for
 * every question. It shares types with the ledger and none of its rules. For every command it finds all the reasons
 * there are to refuse it, and takes the first in the documented order.
 */
import type { BookCommand } from '../src/domain/book-commands';
import { bookRejections, type BookRejection } from '../src/domain/book-events';
import { NaiveLists, type Side } from './naive-lists';
import { after, captureSides, opposite, reasonsAgainst, type CommandOf } from './naive-reasons';

export type Expected =
  | { readonly type: 'repeated' | 'refused'; readonly rejection: BookRejection | null }
  | { readonly type: 'recorded'; readonly rejection: BookRejection | null };

export class NaiveBook extends NaiveLists {
  rule(command: BookCommand, at: string): Expected {
    const id = idOf(command);
    const answered = this.answers.find((each) => each.id === id);
    const content = 'contentHash' in command ? command.contentHash : null;
    if (answered !== undefined && content !== null) {
      if (answered.content === content) return { type: 'repeated', rejection: answered.rejection };
      return { type: 'refused', rejection: 'id_reused' };
    }
    if (/^[^/]+\/ops\//.test(id)) return { type: 'refused', rejection: 'id_reserved' };
    const done = this.doneAlready(command);
    if (done !== null) return done;
    const reasons = reasonsAgainst(this, command, at);
    const rejection = bookRejections.find((each) => reasons.includes(each)) ?? null;
    const isAsked = 'asked' in command && command.asked !== undefined;
    const isTraceless =
      ['OpenAccount', 'ConfirmTransfer', 'FailTransfer', 'ExpireHold', 'SignCheckpoint'].includes(command.type) &&
      !isAsked;
    if (rejection !== null && isTraceless) return { type: 'refused', rejection };
    if (content !== null) this.answers.push({ id, content, rejection });
    if (rejection === null) this.record(command, at);
    else this.events += 1;
    return { type: 'recorded', rejection };
  }

  private doneAlready(command: BookCommand): Expected | null {
    const repeated = { type: 'repeated', rejection: null } as const;
    switch (command.type) {
      case 'SetAccountFrozen':
        if (command.changeId !== null || !this.fields(command.accountId)) return null;
        return this.frozen(command.accountId) === command.frozen ? repeated : null;
      case 'ConfirmTransfer':
      case 'FailTransfer': {
        const known = this.transfers.some(({ id }) => id === command.transferId);
        return known && this.statusOf(command.transferId) !== 'pending' ? repeated : null;
      }
      case 'ExpireHold':
        return this.holds.some(({ id }) => id === command.holdId) && this.remaining(command.holdId) === 0n
          ? repeated
          : null;
      case 'OpenAccount': {
        const fields = this.fields(command.accountId);
        const opening = this.openings.find((each) => each.accountId === command.accountId);
        const { floor, ceiling = null } = command;
        return fields && opening?.floor === floor && opening.ceiling === ceiling ? repeated : null;
      }
      case 'PostFact':
        return factSides(command).length === 0 ? repeated : null;
      default:
        return null;
    }
  }

  private record(command: BookCommand, at: string): void {
    this.events += 1;
    switch (command.type) {
      case 'OpenAccount':
        this.openAccount(command.accountId, command.tenantId, command.asset, command.accountType, command);
        return;
      case 'SetAccountLimits':
        this.limits.push(command);
        return;
      case 'SetAccountFrozen':
        this.freezes.push(command);
        return;
      case 'IssueFunds':
        this.openIfMissing('issuance:TXC', null, 'TXC', 'equity', null);
        this.transactions.push({
          id: command.transactionId,
          owner: null,
          sides: [
            { accountId: 'issuance:TXC', asset: 'TXC', direction: 'debit', amount: command.amount },
            { accountId: command.accountId, asset: 'TXC', direction: 'credit', amount: command.amount },
          ],
          reversible: true,
          effectiveAt: at,
        });
        return;
      case 'PostFact':
        this.recordFact(command, at);
        return;
      case 'PostTransaction':
        this.transactions.push({
          id: command.transactionId,
          owner: command.tenantId,
          sides: command.entries,
          reversible: true,
          effectiveAt: this.laterOf([command.effectiveAt ?? at, at].toSorted()[0]!, this.openFrom()),
        });
        return;
      case 'ReverseTransaction': {
        const transaction = this.transactions.find(({ id }) => id === command.transactionId)!;
        const amount = command.amount ?? this.left(transaction);
        this.reversals.push({ transactionId: transaction.id, amount });
        this.postOpposite(command.reversalId, transaction.sides, amount, at);
        return;
      }
      case 'AcceptTransfer': {
        const { transferId: id, debitAccountId: from, creditAccountId: to, asset, amount } = command;
        this.transfers.push({ id, from, to, asset, amount });
        return;
      }
      case 'ConfirmTransfer':
      case 'FailTransfer':
      case 'ReverseTransfer':
        this.recordTransfer(command, at);
        return;
      case 'PlaceHold': {
        const { holdId: id, tenantId: owner, accountId, asset, amount, expiresAt } = command;
        this.holds.push({ id, owner, accountId, asset, amount, expiresAt });
        return;
      }
      case 'CaptureHold': {
        const hold = this.holds.find(({ id }) => id === command.holdId)!;
        const amount = command.amount ?? this.remaining(hold.id);
        const sides = captureSides(this, hold, amount, command.creditAccountId);
        this.taken.push({ holdId: hold.id, amount, how: 'captured' });
        if (command.final) this.taken.push({ holdId: hold.id, amount: this.remaining(hold.id), how: 'released' });
        this.transactions.push({
          id: command.captureId,
          owner: command.tenantId,
          sides,
          reversible: true,
          effectiveAt: at,
        });
        return;
      }
      case 'ReleaseHold':
      case 'ExpireHold':
        this.taken.push({ holdId: command.holdId, amount: this.remaining(command.holdId), how: command.type });
        return;
      case 'ClosePeriod':
        this.closings.push(after(command.through));
        return;
      case 'SignCheckpoint':
        this.checkpoints.push(command.size);
    }
  }

  private recordTransfer(command: CommandOf<'ConfirmTransfer' | 'FailTransfer' | 'ReverseTransfer'>, at: string): void {
    const { id, from, to, asset, amount } = this.transfers.find((each) => each.id === command.transferId)!;
    const how = { ConfirmTransfer: 'confirmed', FailTransfer: 'failed', ReverseTransfer: 'reversed' }[command.type];
    this.resolutions.push({ transferId: id, how });
    const sides = [
      { accountId: from, asset, direction: 'debit', amount },
      { accountId: to, asset, direction: 'credit', amount },
    ];
    if (how === 'confirmed') this.transactions.push({ id, owner: null, sides, reversible: false, effectiveAt: at });
    if (how === 'reversed') this.postOpposite(`reversal:${id}`, sides, amount, at);
  }

  private recordFact(command: CommandOf<'PostFact'>, at: string): void {
    const sides = factSides(command);
    const { fact } = command;
    if (fact.type === 'institution_transfer') this.endHold(fact.holdId);
    if (fact.type === 'chain_send')
      for (const holdId of new Set([fact.amountHoldId, fact.feeHoldId])) this.endHold(holdId);
    for (const { accountId } of sides) {
      const isCustody = /^(custody|provider|institution|wallet):/.test(accountId);
      const tenantId = isCustody || !('tenantId' in fact) ? null : fact.tenantId;
      this.openIfMissing(accountId, tenantId, 'ETH', isCustody ? 'asset' : 'liability', isCustody ? null : 0n);
    }
    const happened = command.effectiveAt < at ? command.effectiveAt : at;
    const effectiveAt = this.laterOf(happened, this.openFrom());
    this.transactions.push({ id: command.transactionId, owner: null, sides, reversible: true, effectiveAt });
  }

  /** What was placed for a fact ends with it, if it has not ended before. */
  private endHold(holdId: string): void {
    const amount = this.holds.some(({ id }) => id === holdId) ? this.remaining(holdId) : 0n;
    if (amount === 0n) return;
    this.events += 1;
    this.taken.push({ holdId, amount, how: 'ReleaseHold' });
    this.answers.push({ id: `release:${holdId}`, content: '', rejection: null });
  }

  private postOpposite(id: string, sides: readonly Side[], amount: bigint, effectiveAt: string): void {
    this.transactions.push({ id, owner: null, sides: opposite(sides, amount), reversible: false, effectiveAt });
  }

  private laterOf(one: string, other: string): string {
    return one < other ? other : one;
  }

  private openIfMissing(accountId: string, tenantId: string | null, asset: string, type: string, floor: bigint | null) {
    if (this.fields(accountId)) return;
    this.events += 1;
    this.openAccount(accountId, tenantId, asset, type, { floor, ceiling: null });
  }

  private openAccount(
    accountId: string,
    tenantId: string | null,
    asset: string,
    type: string,
    { floor, ceiling = null }: { readonly floor: bigint | null; readonly ceiling?: bigint | null },
  ): void {
    this.accounts.push({ accountId, tenantId, asset, type });
    this.openings.push({ accountId, floor, ceiling });
    this.limits.push({ accountId, floor, ceiling });
  }
}

function factSides({ fact }: CommandOf<'PostFact'>): readonly Side[] {
  const own = (purpose: string) => `${purpose}:${'tenantId' in fact ? fact.tenantId : ''}:ETH`;
  const side = (accountId: string, direction: string, amount: bigint) => ({
    accountId,
    asset: 'ETH',
    direction,
    amount,
  });
  const sides = {
    intent_payment: () => {
      const { applied, refundable } = fact as { applied: bigint; refundable: bigint };
      return [
        side('custody:evm:ETH', 'debit', applied + refundable),
        side(own('clearing'), 'credit', applied),
        side(own('refundable'), 'credit', refundable),
      ];
    },
    intent_receipt: () => {
      const { applied, held, refundable, suspense } = fact as Extract<typeof fact, { type: 'intent_receipt' }>;
      return [
        side('custody:evm:ETH', 'debit', applied + 1n + held + refundable + suspense),
        side(own('clearing'), 'credit', applied),
        side(own('merchant'), 'credit', 1n),
        side(own('held'), 'credit', held),
        side(own('refundable'), 'credit', refundable),
        side(own('suspense'), 'credit', suspense),
      ];
    },
    receipt_move: () => moved('held', 'suspense'),
    intent_underpaid: () => moved('clearing', 'refundable'),
    settlement: () => moved('clearing', 'merchant'),
    provider_payment: () => {
      const { amount } = fact as { amount: bigint };
      return [side('provider:gateway:ETH', 'debit', amount), side(own('merchant'), 'credit', amount)];
    },
    provider_payment_return: () => {
      const { amount } = fact as { amount: bigint };
      return [side(own('merchant'), 'debit', amount), side('provider:gateway:ETH', 'credit', amount)];
    },
    provider_payment_reinstatement: () => {
      const { amount } = fact as { amount: bigint };
      return [side('provider:gateway:ETH', 'debit', amount), side(own('merchant'), 'credit', amount)];
    },
    institution_transfer: () => {
      const { amount } = fact as { amount: bigint };
      return [side(own('merchant'), 'debit', amount), side('institution:bank:ETH', 'credit', amount)];
    },
    chain_send: () => {
      const { amount, fee } = fact as Extract<typeof fact, { type: 'chain_send' }>;
      return [side(own('merchant'), 'debit', amount + fee), side('wallet:hot:ETH', 'credit', amount + fee)];
    },
    wallet_funding: () => {
      const { amount } = fact as { amount: bigint };
      return [side('wallet:hot:ETH', 'debit', amount), side(own('merchant'), 'credit', amount)];
    },
    wallet_sweep: () => {
      const { amount } = fact as { amount: bigint };
      return [side('wallet:hot:ETH', 'debit', amount), side('custody:evm:ETH', 'credit', amount)];
    },
    institution_transfer_return: () => {
      const { amount } = fact as { amount: bigint };
      return [side('institution:bank:ETH', 'debit', amount), side(own('merchant'), 'credit', amount)];
    },
  }[fact.type]();
  return sides.filter(({ amount }) => amount > 0n);

  function moved(from: string, to: string) {
    const { amount } = fact as { amount: bigint };
    return [side(own(from), 'debit', amount), side(own(to), 'credit', amount)];
  }
}

function idOf(command: BookCommand): string {
  const named = command as Readonly<Record<string, unknown>>;
  const own: Readonly<Record<BookCommand['type'], string>> = {
    OpenAccount: 'accountId',
    SetAccountLimits: 'changeId',
    SetAccountFrozen: 'changeId',
    IssueFunds: 'transactionId',
    PostFact: 'transactionId',
    PostTransaction: 'transactionId',
    ReverseTransaction: 'reversalId',
    AcceptTransfer: 'transferId',
    ConfirmTransfer: 'transferId',
    FailTransfer: 'transferId',
    ReverseTransfer: 'reversalId',
    PlaceHold: 'holdId',
    CaptureHold: 'captureId',
    ReleaseHold: 'releaseId',
    ExpireHold: 'holdId',
    ClosePeriod: 'closeId',
    SignCheckpoint: 'checkpointId',
  };
  return String(named[own[command.type]] ?? '');
}
