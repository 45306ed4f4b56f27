import type { sendView } from '@daybook/contracts';
import type { PersonalData } from '@daybook/event-store';
import type { z } from 'zod';
import { signedAtOf, summaryOf, type ChainSend, type SendSummary } from '../domain/send-state';
import { openDescription } from './details';

export type SendView = z.output<typeof sendView>;

/** A send as everybody who is told of it sees it, field by field: what is not named here stays inside. */
export function stateOfSend(summary: SendSummary): Omit<SendView, 'description' | 'signedAt'> {
  return {
    transactionId: summary.transactionId,
    number: summary.number,
    userNumber: summary.userNumber,
    asset: summary.asset,
    amount: summary.amount,
    useContract: summary.useContract,
    status: summary.status,
    failure: summary.failure,
    chain: summary.chain,
    fromAddress: summary.fromAddress,
    toAddress: summary.toAddress,
    hash: summary.hash,
    blockNumber: summary.blockNumber,
    gasUsed: summary.gasUsed,
    gasPrice: summary.gasPrice,
    fee: summary.fee,
    feeAsset: summary.feeAsset,
    createdAt: summary.createdAt,
    updatedAt: summary.updatedAt,
  };
}

export async function viewOfSend(personalData: PersonalData, send: ChainSend): Promise<SendView> {
  const summary = summaryOf(send);
  const description = await openDescription(personalData, summary);
  return { ...stateOfSend(summary), signedAt: signedAtOf(send), description };
}
