/** What a Tron node answers to who sends: accounts, parameters, calls that change nothing, and one transaction. */
import { chainParameters } from './accounts';
import type { PoolBlock, TransactionPool } from './transaction-pool';

const word = 64;

type ConstantCall = {
  readonly contract_address: string;
  readonly function_selector: string;
  readonly parameter?: string;
};
export type WalletBody = Partial<ConstantCall> & {
  readonly num?: number;
  readonly value?: string;
  readonly address?: string;
  readonly transaction?: string;
};

/** Undefined for a path that is not one of these. */
export function walletAnswer(
  pool: TransactionPool,
  seen: readonly PoolBlock[],
  path: string,
  body: WalletBody,
): unknown {
  switch (path) {
    case 'broadcasthex':
      return pool.broadcast(body.transaction!);
    case 'gettransactionfrompending':
      return pool.waiting(body.value!) ?? {};
    case 'gettransactioninfobyid': {
      const at = seen.findIndex(({ mined }) => mined.some(({ info }) => info.id === body.value));
      const info = seen[at]?.mined.find((one) => one.info.id === body.value)?.info;
      return info === undefined ? {} : { ...info, blockNumber: at, blockTimeStamp: seen[at]!.timestamp };
    }
    case 'getaccount': {
      const balance = pool.stateAfter(seen).trxOf(body.address!);
      return balance === undefined ? {} : { address: body.address, balance: Number(balance) };
    }
    case 'getchainparameters':
      return { chainParameter: Object.entries(chainParameters).map(([key, value]) => ({ key, value })) };
    case 'triggerconstantcontract': {
      const call = body as ConstantCall;
      return call.function_selector === 'decimals()' ? undefined : constantCall(pool, seen, call);
    }
    default:
      return undefined;
  }
}

function constantCall(pool: TransactionPool, seen: readonly PoolBlock[], call: ConstantCall) {
  const state = pool.stateAfter(seen);
  const holder = `41${(call.parameter ?? '').slice(24, word)}`;
  const result = { result: true };
  if (call.function_selector === 'balanceOf(address)') {
    const units = state.tokensOf(call.contract_address, holder).toString(16).padStart(word, '0');
    return { result, energy_used: 630, constant_result: [units] };
  }
  const used = state.energyTo(call.contract_address, holder);
  return { result, energy_used: used, constant_result: ['1'.padStart(word, '0')] };
}
