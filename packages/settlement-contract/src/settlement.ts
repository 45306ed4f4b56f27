/**
 * The settlement contract from outside: calls to it, its events, its address. An id settles once for its payer
 * (ADR 46), so a send that goes through the contract under the id of the send is paid once at most.
 */
import type * as Ethers from 'ethers';
import type { Interface } from 'ethers';
import artefact from './settlement.json';

/**
 * Where the contract is on every chain that has it: made by the deterministic deployment proxy, the address follows from
 * the bytecode. Whoever deploys, there is no other code at this address.
 */
export const settlementAddress = '0xB78aA4d14f3DAA6D8A9927300C392E36c8A9e317';

export const settlementAbi = artefact.abi;
export const settlementBytecode = artefact.bytecode;

/** `settlementId`: 32 bytes as 0x and hex. `amount` in wei. Addresses with checksum. */
export type Settled = {
  readonly settlementId: string;
  readonly payer: string;
  readonly to: string;
  readonly amount: bigint;
};

/** The contract's id of a send of ours: 32 bytes as 0x and hex, the same for the same send for ever. */
export function settlementIdOf(sendId: string): string {
  return loadEthers().id(`daybook/send/${sendId}`);
}

/** Data of a call that pays the transaction's value to `to`. Throws on an id that is not 32 bytes and on a bad address. */
export function encodeSettle(call: { readonly settlementId: string; readonly to: string }): string {
  return contractInterface().encodeFunctionData('settle', [call.settlementId, call.to]);
}

/** The event that a log tells, or undefined for a log of another contract or kind. */
export function settledEventOf(log: {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
}): Settled | undefined {
  if (log.address.toLowerCase() !== settlementAddress.toLowerCase()) return undefined;
  const event = contractInterface().parseLog(log);
  if (event?.name !== 'Settled') return undefined;
  const [settlementId, payer, to, amount] = event.args as unknown as [string, string, string, bigint];
  return { settlementId, payer, to, amount };
}

let made: Interface | undefined;

function contractInterface(): Interface {
  return (made ??= new (loadEthers().Interface)(artefact.abi));
}

/** Loaded when needed, because it takes half a second; `import()` would give the other, incompatible half of its types. */
export function loadEthers(): typeof Ethers {
  return require('ethers') as typeof Ethers;
}
