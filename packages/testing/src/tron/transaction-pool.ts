/**
 * Transactions on their way to a block of a Tron node. A transaction is in one block at
 * most, and in none whose parent is later than its expiration. Codes are java-tron's (api/GrpcAPI.proto, Return).
 */
import { accounts, type Accounts } from './accounts';
import type { Mined } from './tron-node';
import { readTransaction, type SentTransaction } from './transaction';

/** What a block says that transactions refer to. */
export type PoolBlock = { readonly id: string; readonly timestamp: number; readonly mined: readonly Mined[] };

const ended = { SUCCESS: 'SUCCESS', OUT_OF_ENERGY: 'OUT_OF_ENERGY', REVERT: 'REVERT' } as const;

export type TransactionPool = ReturnType<typeof transactionPool>;

export function transactionPool(blocks: () => readonly PoolBlock[]) {
  const waiting = new Map<string, SentTransaction>();
  const tokens = new Set<string>();
  const given: ((state: Accounts) => void)[] = [];

  function stateAfter(seen: readonly PoolBlock[]): Accounts {
    const state = accounts(tokens);
    for (const give of given) give(state);
    for (const { mined } of seen) for (const { sent } of mined) if (sent !== undefined) state.execute(sent);
    return state;
  }
  const isMined = (id: string) => blocks().some(({ mined }) => mined.some(({ info }) => info.id === id));

  function refusalOf(sent: SentTransaction): string | undefined {
    if (waiting.has(sent.txID) || isMined(sent.txID)) return 'DUP_TRANSACTION_ERROR';
    const reference = blocks()[parseInt(sent.refBlockBytes, 16)];
    if (reference?.id.slice(16, 32) !== sent.refBlockHash) return 'TAPOS_ERROR';
    if (sent.expiration <= blocks().at(-1)!.timestamp) return 'TRANSACTION_EXPIRATION_ERROR';
    if (sent.signatures.length !== 1 || sent.signatures[0]!.length !== 130) return 'SIGERROR';
    return stateAfter(blocks()).execute(sent) === undefined ? 'CONTRACT_VALIDATE_ERROR' : undefined;
  }

  function broadcast(hex: string) {
    const sent = readTransaction(hex);
    const code = refusalOf(sent);
    if (code !== undefined) return { code, txid: sent.txID, message: Buffer.from(code).toString('hex') };
    waiting.set(sent.txID, sent);
    return { result: true, code: 'SUCCESS', txid: sent.txID };
  }

  /** What the next block takes. */
  function drain(): readonly Mined[] {
    const state = stateAfter(blocks());
    const now = blocks().at(-1)?.timestamp ?? 0;
    const taken = [...waiting.values()].filter(({ txID, expiration }) => expiration > now && !isMined(txID));
    waiting.clear();
    return taken.flatMap((sent) => {
      const outcome = state.execute(sent);
      return outcome === undefined ? [] : [minedAs(sent, outcome)];
    });
  }

  return {
    drain,
    broadcast,
    stateAfter,
    waiting: (id: string) => {
      const sent = waiting.get(id);
      return sent && shown(sent, undefined);
    },
    give: (owner: string, amount: bigint) => void given.push((state) => state.give(owner, amount)),
    giveTokens(token: string, owner: string, amount: bigint) {
      tokens.add(token);
      given.push((state) => state.giveTokens(token, owner, amount));
    },
    /** By the newest block. */
    state: () => stateAfter(blocks()),
  };
}

function minedAs(sent: SentTransaction, outcome: NonNullable<ReturnType<Accounts['execute']>>): Mined {
  const { result, fee, log } = outcome;
  const isCall = sent.contract.type === 'TriggerSmartContract';
  return {
    sent,
    transaction: shown(sent, ended[result]),
    info: {
      id: sent.txID,
      fee,
      contractResult: [''],
      receipt: isCall ? { energy_fee: fee, result } : { net_fee: fee },
      ...(sent.contract.type === 'TriggerSmartContract' ? { contract_address: sent.contract.address } : {}),
      ...(result === 'SUCCESS' ? {} : { result: 'FAILED', resMessage: Buffer.from(result).toString('hex') }),
      ...(log.length > 0 ? { log } : {}),
    },
  };
}

function shown(sent: SentTransaction, contractRet: string | undefined): Mined['transaction'] {
  const { contract, owner } = sent;
  const value =
    contract.type === 'TransferContract'
      ? { owner_address: owner, to_address: contract.to, amount: Number(contract.amount) }
      : { owner_address: owner, contract_address: contract.address, data: contract.data };
  return {
    txID: sent.txID,
    ret: contractRet === undefined ? [] : [{ contractRet }],
    signature: sent.signatures,
    raw_data_hex: sent.rawDataHex,
    raw_data: {
      contract: [
        { type: contract.type, parameter: { value, type_url: `type.googleapis.com/protocol.${contract.type}` } },
      ],
      ref_block_bytes: sent.refBlockBytes,
      ref_block_hash: sent.refBlockHash,
      expiration: sent.expiration,
      timestamp: sent.timestamp,
    },
  };
}
