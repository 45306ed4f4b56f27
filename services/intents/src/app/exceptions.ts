/** Exceptions: what came and is not where it was meant to go, with what there is to do about it, and doing it. */
import {
  instant,
  label,
  type CallOutcome,
  type CallRequest,
  type exceptionView,
  type listExceptions as listExceptionsCall,
  type resolveException as resolveExceptionCall,
} from '@daybook/contracts';
import { assert, assertNever } from '@daybook/core';
import { currentCorrelation, uuidv7, type Clock } from '@daybook/runtime';
import { z } from 'zod';
import type { ExceptionKey, ExceptionRow, Exceptions, IntentStore, PaymentStore } from '../ports';
import { paymentStream } from './ask-provider';
import { streamOf } from './intent-stream';

type View = z.output<typeof exceptionView>;
type Resolve = CallRequest<typeof resolveExceptionCall>;
type Refusal = Extract<CallOutcome<typeof resolveExceptionCall>, { ok: false }>['rejection'];

export function exceptionCalls(deps: {
  readonly exceptions: Exceptions;
  readonly intents: IntentStore;
  readonly payments: PaymentStore;
  readonly now: Clock;
}) {
  const { exceptions } = deps;

  /** Undefined when it is so now. */
  async function resolve(row: ExceptionRow, { action, actor }: Resolve): Promise<Refusal | undefined> {
    const at = deps.now().toISOString();
    const context = { commandId: uuidv7(deps.now()), ...currentCorrelation(row.exceptionId) };
    if (row.kind === 'payment') {
      if (action !== 'dismiss') return 'action_not_possible';
      const stream = paymentStream(row.subject);
      const outcome = await deps.payments.handle(stream, { type: 'DismissException', actor, at }, context);
      assert(outcome.ok, 'the read model shows exceptions that there are');
      return undefined;
    }
    if (action === 'dismiss') return 'action_not_possible';
    const command = { type: 'MoveReceipt', depositId: row.exceptionId, to: places[action], actor, at } as const;
    const outcome = await deps.intents.handle(streamOf(row.subject), command, context);
    if (outcome.ok) return undefined;
    assert(outcome.rejection === 'receipt_already_credited', `${row.exceptionId}: ${outcome.rejection}`);
    return 'exception_already_credited';
  }

  return {
    async listExceptions(
      request: CallRequest<typeof listExceptionsCall>,
    ): Promise<CallOutcome<typeof listExceptionsCall>> {
      const { cursor, limit, status, ...filter } = request;
      const after = cursor === null ? null : readCursor(cursor);
      if (after === undefined) return { ok: false, rejection: 'cursor_invalid' };
      const isOpen = status === null ? null : status === 'open';
      // One more than asked for tells whether there is a next page.
      const found = await exceptions.find({ ...filter, isOpen, after, limit: limit + 1 });
      const page = found.slice(0, limit);
      const last = page.at(-1);
      const nextCursor = found.length > limit && last !== undefined ? writeCursor(last) : null;
      return { ok: true, value: { exceptions: page.map(viewOfException), nextCursor } };
    },

    async resolveException(request: Resolve): Promise<CallOutcome<typeof resolveExceptionCall>> {
      const row = await exceptions.get(request.mode, request.exceptionId);
      if (row === undefined) return { ok: false, rejection: 'exception_not_found' };
      const refusal = await resolve(row, request);
      if (refusal !== undefined) return { ok: false, rejection: refusal };
      const resolved = await exceptions.get(request.mode, request.exceptionId);
      assert(resolved, 'an exception stays one');
      return { ok: true, value: { exception: viewOfException(resolved) } };
    },
  };
}

const places = { credit: 'credited', refund: 'refundable', suspend: 'suspense' } as const;

function viewOfException({ isOpen, ...row }: ExceptionRow): View {
  return {
    ...row,
    reasons: [...row.reasons],
    status: isOpen ? 'open' : 'closed',
    ...(isOpen ? todo(row) : { nextAction: null, actions: [] }),
  };
}

function todo({ kind, place }: Pick<ExceptionRow, 'kind' | 'place'>): Pick<View, 'nextAction' | 'actions'> {
  if (kind === 'payment') return { nextAction: 'review', actions: ['dismiss'] };
  switch (place) {
    case 'held':
      return { nextAction: 'decide', actions: ['credit', 'refund', 'suspend'] };
    case 'suspense':
      return { nextAction: 'identify', actions: ['credit', 'refund', 'suspend'] };
    case 'refundable':
      return { nextAction: 'refund', actions: ['credit', 'refund', 'suspend'] };
    case 'credited':
      return { nextAction: null, actions: [] };
    default:
      return assertNever(place);
  }
}

const cursorKey = z.tuple([instant, label]);

function writeCursor({ receivedAt, exceptionId }: ExceptionKey): string {
  return Buffer.from(JSON.stringify([receivedAt, exceptionId])).toString('base64url');
}

function readCursor(cursor: string): ExceptionKey | undefined {
  try {
    const [receivedAt, exceptionId] = cursorKey.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return { receivedAt, exceptionId };
  } catch {
    return undefined;
  }
}
