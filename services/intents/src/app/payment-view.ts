import type { paymentView } from '@daybook/contracts';
import type { PersonalData } from '@daybook/event-store';
import type { Sealer } from '@daybook/runtime';
import { z } from 'zod';
import { shownReturned, type PaymentSession, type PaymentSummary } from '../domain/provider-payment';
import type { PaymentDetails } from '../ports';

export type PaymentView = z.output<typeof paymentView>;

const details = z.object({ description: z.string().nullable(), metadata: z.record(z.string(), z.string()) });

const subjectOf = (transactionId: string) => `payment:${transactionId}`;

export function sealDetails(personalData: PersonalData, transactionId: string, text: PaymentDetails): Promise<string> {
  return personalData.encrypt(subjectOf(transactionId), JSON.stringify(text));
}

/** Without words when they were erased. */
export async function openDetails(
  personalData: PersonalData,
  { transactionId, encryptedDetails }: Pick<PaymentSummary, 'transactionId' | 'encryptedDetails'>,
): Promise<PaymentDetails> {
  const text = await personalData.decrypt(subjectOf(transactionId), encryptedDetails);
  return text === null ? { description: null, metadata: {} } : details.parse(JSON.parse(text));
}

const session = z.record(z.string(), z.string());

/** The only member of a session that is recorded, so that a build of before sessions were sealed can read the event. */
const sealed = 'sealed';

export function sealSession(sealer: Sealer, transactionId: string, given: PaymentSession): PaymentSession {
  return { [sealed]: sealer.seal(JSON.stringify(given), transactionId) };
}

/** One that was recorded before sessions were sealed is as it is. */
export function openSession(sealer: Sealer, transactionId: string, recorded: PaymentSession): z.output<typeof session> {
  const text = recorded[sealed];
  return text === undefined ? { ...recorded } : session.parse(JSON.parse(sealer.open(text, transactionId)));
}

/** A payment as its owner sees it, field by field: what is not named here stays inside. */
export async function viewOfPayment(personalData: PersonalData, summary: PaymentSummary): Promise<PaymentView> {
  const { description } = await openDetails(personalData, summary);
  return {
    transactionId: summary.transactionId,
    number: summary.number,
    gatewayNumber: summary.gatewayNumber,
    userNumber: summary.userNumber,
    provider: summary.provider,
    asset: summary.asset,
    amount: summary.amount,
    amountReceived: summary.amountReceived,
    ...(summary.returned && { returned: shownReturned(summary.returned) }),
    description,
    status: summary.status,
    failure: summary.failure,
    exceptions: [...summary.exceptions],
    providerReference: summary.reference,
    createdAt: summary.createdAt,
    updatedAt: summary.updatedAt,
  };
}
