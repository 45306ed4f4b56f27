import type { CallOutcome, CallRequest, Mode, simulateDeposit } from '@daybook/contracts';
import { uuidFrom } from '@daybook/runtime';
import type { SimulatedChain } from '../ports';
import { networkOf, type Network } from './networks';

export type SimulateDeps = {
  readonly networks: readonly Network[];
  readonly simulated: ReadonlyMap<string, SimulatedChain>;
  /** Chain of the address, if it is this tenant's in this mode. */
  chainOfAddress(owner: {
    readonly tenantId: string;
    readonly mode: Mode;
    readonly address: string;
  }): Promise<string | undefined>;
  caughtUp(): Promise<void>;
};

/** Another tenant's address is not found, whatever else is wrong with the request. */
export async function simulate(
  deps: SimulateDeps,
  { tenantId, mode, address, asset, amount, depositKey }: CallRequest<typeof simulateDeposit>,
): Promise<CallOutcome<typeof simulateDeposit>> {
  await deps.caughtUp();
  const chainName = await deps.chainOfAddress({ tenantId, mode, address });
  if (chainName === undefined) return { ok: false, rejection: 'address_not_found' };
  const chain = deps.simulated.get(networkOf(deps.networks, asset, mode)?.chain ?? '');
  if (chain === undefined) return { ok: false, rejection: 'asset_not_simulated' };
  if (chain.chain !== chainName) return { ok: false, rejection: 'address_not_found' };
  // Keys of two tenants never meet.
  const scopedKey = uuidFrom([tenantId, mode, depositKey]);
  const outcome = await chain.deposit({ depositKey: scopedKey, address, asset, amount });
  if (!outcome.ok) return outcome;
  const { transactionId, blockNumber } = outcome;
  return { ok: true, value: { chain: chainName, transactionId, blockNumber } };
}
