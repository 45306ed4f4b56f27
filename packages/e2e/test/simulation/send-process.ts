/** What settlement does for sends, as one process that ends where it is told to, on a log that all processes have in common. */
import { commandHandler, createPersonalData, type EventStore } from '@daybook/event-store';
import type { CallClient } from '@daybook/http';
import { secretsKeysOf } from '@daybook/runtime';
import { comparedPlace } from '../../../../services/settlement/src/adapters/compared-place';
import { configuredSenders } from '../../../../services/settlement/src/adapters/senders';
import { sendLedger } from '../../../../services/settlement/src/adapters/send-ledger';
import {
  fundingEvents,
  registryEvents,
  sendEvents,
  walletEvents,
} from '../../../../services/settlement/src/adapters/stored-sends';
import { transactionNumbers } from '../../../../services/settlement/src/adapters/transaction-numbers';
import { sendsApp } from '../../../../services/settlement/src/app/sends';
import { chainSend } from '../../../../services/settlement/src/domain/chain-send';
import { hotWallet } from '../../../../services/settlement/src/domain/wallet';
import { walletFunding } from '../../../../services/settlement/src/domain/wallet-funding';
import { walletRegistry } from '../../../../services/settlement/src/domain/wallet-registry';
import type { SendRig } from '../send-rig';

export class Crash extends Error {
  override readonly name = 'Crash';
}

/** Where a process ends: at a place, or after so many effects. From then on nothing of it does anything. */
export type End = { readonly place: string } | { readonly effects: number } | null;

function mortal(end: End, passed: (what: string) => void) {
  let over = false;
  let effects = 0;
  function step(what: string): void {
    effects += 1;
    const ends = end !== null && ('place' in end ? end.place === what : end.effects === effects);
    if (ends && !over) passed(what);
    over ||= ends;
    if (over) throw new Crash(what);
  }
  return <Parameters extends unknown[], Answer>(what: string, effect: (...parameters: Parameters) => Promise<Answer>) =>
    async (...parameters: Parameters): Promise<Answer> => {
      step(`before ${what}`);
      const answer = await effect(...parameters);
      step(`after ${what}`);
      return answer;
    };
}

const noChecks = { due: async () => [], next: async () => null, again: async () => undefined };

/** What settlement does for sends, as one process, on the log that all have in common. */
export function processThatEnds(
  { rig, store, ledger }: { readonly rig: SendRig; readonly store: EventStore; readonly ledger: CallClient },
  end: End,
  passed: (what: string) => void,
) {
  const pool = rig.database.pool('settlement');
  const around = mortal(end, passed);
  const mortalStore: EventStore = {
    ...store,
    append: (stream, events, expected) =>
      around(`append ${[...events].map(({ type }) => type).join()}`, () => store.append(stream, events, expected))(),
  };
  const books = sendLedger(ledger);
  const [chain] = configuredSenders(rig.config);
  return sendsApp({
    sends: commandHandler(chainSend, sendEvents, mortalStore),
    wallets: commandHandler(hotWallet, walletEvents, mortalStore),
    registry: commandHandler(walletRegistry, registryEvents, mortalStore),
    fundings: commandHandler(walletFunding, fundingEvents, mortalStore),
    ledger: { ...books, hold: around('hold', books.hold), release: around('release', books.release) },
    signer: { ...rig.signer, sign: around('sign', rig.signer.sign) },
    arePayoutsStopped: async () => false,
    payoutsResumedAt: async () => null,
    comparedPlace: comparedPlace(pool),
    stopPayouts: (reason) => Promise.reject(new Error(reason)),
    watch: async () => undefined,
    chains: [
      {
        ...chain!,
        prepare: around('prepare', chain!.prepare),
        broadcast: around('broadcast', chain!.broadcast),
        statusOf: around('receipt', chain!.statusOf),
      },
    ],
    checksOn: () => noChecks,
    checksElsewhere: () => noChecks,
    personalData: createPersonalData({ pool, masterKey: rig.config.PERSONAL_DATA_KEY, now: () => new Date() }),
    secretsKeys: secretsKeysOf(rig.config),
    nextNumber: transactionNumbers(pool),
    find: async () => [],
    rowsOf: async () => [],
    count: async () => 0,
    allWallets: async () => [],
    openSends: async () => new Map(),
    bumpAfterMs: 60_000,
    giveUpAfterMs: 60_000,
    pollMs: 1_000,
    everyMs: 60_000,
    now: () => new Date(),
    logger: rig.logger,
  });
}
