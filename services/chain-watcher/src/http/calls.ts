import {
  allocateAddress,
  chainStatus,
  depositsOf,
  rescanChain,
  simulateDeposit,
  watchAddress,
} from '@daybook/contracts';
import { onCall, type CallHandler } from '@daybook/http';
import { allocate, type AllocateDeps } from '../app/allocate-address';
import { tellDeposits, type TellDeps } from '../app/tell-deposits';
import { statusOfChains, type StatusDeps } from '../app/chain-status';
import { rescan, type RescanDeps } from '../app/rescan-chain';
import { simulate, type SimulateDeps } from '../app/simulate-deposit';
import { watch } from '../app/watch-address';

export function callHandlers(
  deps: AllocateDeps & TellDeps & SimulateDeps & StatusDeps & RescanDeps,
): readonly CallHandler[] {
  return [
    onCall(allocateAddress, (request) => allocate(deps, request)),
    onCall(watchAddress, (request) => watch(deps, request)),
    onCall(depositsOf, (request) => tellDeposits(deps, request)),
    onCall(simulateDeposit, (request) => simulate(deps, request)),
    onCall(rescanChain, (request) => rescan(deps, request)),
    onCall(chainStatus, () => statusOfChains(deps)),
  ];
}
