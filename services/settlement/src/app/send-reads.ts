import type { CallOutcome, CallRequest, getOutgoing, getSend, listOutgoing, walletBalance } from '@daybook/contracts';
import type { PersonalData } from '@daybook/event-store';
import { summaryOf } from '../domain/send-state';
import type { SendStore } from '../ports';
import type { Outgoing, OutgoingKey, OutgoingQuery } from '../projections/outgoing';
import type { CreateDeps } from './create-send';
import { openDescription } from './details';
import { sendStream } from './send-streams';
import { viewOfSend } from './send-view';

/** `find` and `count` see everything that was created before the call. */
export function sendReads(
  deps: Pick<CreateDeps, 'chainFor' | 'openWallet'> & {
    readonly sends: SendStore;
    readonly personalData: PersonalData;
    readonly find: (query: OutgoingQuery) => Promise<readonly OutgoingKey[]>;
    readonly rowsOf: (request: CallRequest<typeof getOutgoing>) => Promise<readonly Outgoing[]>;
    readonly count: (query: OutgoingQuery) => Promise<number>;
  },
) {
  const { sends, personalData } = deps;
  return {
    async getSend({
      tenantId,
      mode,
      transactionId,
    }: CallRequest<typeof getSend>): Promise<CallOutcome<typeof getSend>> {
      const { state } = await sends.load(sendStream(transactionId));
      if (state.stage === 'none' || state.tenantId !== tenantId || state.mode !== mode)
        return { ok: false, rejection: 'send_not_found' };
      return { ok: true, value: { send: await viewOfSend(personalData, summaryOf(state)) } };
    },

    async walletBalance(request: CallRequest<typeof walletBalance>): Promise<CallOutcome<typeof walletBalance>> {
      const chain = deps.chainFor(request.asset, request.mode);
      if (chain === undefined) return { ok: false, rejection: 'asset_not_supported' };
      const { address } = await deps.openWallet(request, chain);
      const { now } = await chain.balanceOf(address, request.asset);
      return { ok: true, value: { address, balance: now } };
    },

    async listOutgoing(request: OutgoingQuery): Promise<CallOutcome<typeof listOutgoing>> {
      const [found, total] = await Promise.all([deps.find(request), deps.count(request)]);
      return { ok: true, value: { transactions: [...found], total } };
    },

    async getOutgoing(request: CallRequest<typeof getOutgoing>): Promise<CallOutcome<typeof getOutgoing>> {
      const found = await deps.rowsOf(request);
      const transactions = await Promise.all(
        found.map(async ({ encryptedDetails, ...view }) => ({
          ...view,
          description: await openDescription(personalData, { ...view, encryptedDetails }),
        })),
      );
      return { ok: true, value: { transactions } };
    },
  };
}
