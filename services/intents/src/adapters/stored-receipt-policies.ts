/** The stored form of receipt policies: private to this service. */
import { mode, receiptPolicyView } from '@daybook/contracts';
import { z } from 'zod';

export const receiptPolicyDefinitions = {
  ReceiptPolicySet: {
    version: 1,
    data: z.object({ tenantId: z.string(), mode, policy: receiptPolicyView, actor: z.string(), at: z.string() }),
  },
} as const;
