import type { CallOutcome, CallRequest, getMovements, getSend, listMovements, walletBalance } from '@daybook/contracts';
import { OperationalError } from '@daybook/core';
import type { PersonalData } from '@daybook/event-store';
import { inTime } from '@daybook/runtime';
import type { SendStore } from '../ports';
import type { Movement, MovementKey, MovementQuery } from '../projections/movements';
import type { CreateDeps } from './create-send';
import { openDescription } from './details';
import { sendStream } from './send-streams';
import { viewOfSend } from './send-view';

/** `find`, `rowsOf` and `count` see everything that was created before the call. */
export function sendReads(
  deps: Pick<CreateDeps, 'chainFor' | 'openWallet' | 'wait'> & {
    readonly sends: SendStore;
    readonly personalData: PersonalData;
    readonly find: (query: MovementQuery) => Promise<readonly MovementKey[]>;
    readonly rowsOf: (request: CallRequest<typeof getMovements>) => Promise<readonly Movement[]>;
    readonly count: (query: MovementQuery) => Promise<number>;
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
      return { ok: true, value: { send: await viewOfSend(personalData, state) } };
    },

    async walletBalance(request: CallRequest<typeof walletBalance>): Promise<CallOutcome<typeof walletBalance>> {
      const chain = deps.chainFor(request.asset, request.mode);
      if (chain === undefined) return { ok: false, rejection: 'asset_not_supported' };
      const asked = async () => {
        const { address } = await deps.openWallet(request, chain);
        const { now } = await chain.balanceOf(address, request.asset);
        return { address, balance: now };
      };
      const value = await inTime(asked(), deps.wait);
      if (value === undefined)
        throw new OperationalError('upstream_timeout', true, { detail: 'the node takes too long' });
      return { ok: true, value };
    },

    async listMovements(request: MovementQuery): Promise<CallOutcome<typeof listMovements>> {
      const [found, total] = await Promise.all([deps.find(request), deps.count(request)]);
      return { ok: true, value: { transactions: [...found], total } };
    },

    async getMovements(request: CallRequest<typeof getMovements>): Promise<CallOutcome<typeof getMovements>> {
      const found = await deps.rowsOf(request);
      const transactions = await Promise.all(
        found.map(async ({ encryptedDetails, ...view }) => ({
          ...view,
          description: encryptedDetails && (await openDescription(personalData, { ...view, encryptedDetails })),
        })),
      );
      return { ok: true, value: { transactions } };
    },
  };
}
