import { allocateAddress, chainStatus, rescanChain, simulateDeposit } from '@daybook/contracts';
import { onCall, type CallHandler } from '@daybook/http';
import { allocate, type AllocateDeps } from '../app/allocate-address';
import { statusOfChains, type StatusDeps } from '../app/chain-status';
import { rescan, type RescanDeps } from '../app/rescan-chain';
import { simulate, type SimulateDeps } from '../app/simulate-deposit';

export function callHandlers(deps: AllocateDeps & SimulateDeps & StatusDeps & RescanDeps): readonly CallHandler[] {
  return [
    onCall(allocateAddress, (request) => allocate(deps, request)),
    onCall(simulateDeposit, (request) => simulate(deps, request)),
    onCall(rescanChain, (request) => rescan(deps, request)),
    onCall(chainStatus, () => statusOfChains(deps)),
  ];
}
