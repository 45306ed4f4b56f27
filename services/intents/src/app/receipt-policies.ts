import type {
  CallOutcome,
  CallRequest,
  getReceiptPolicy as getReceiptPolicyCall,
  setReceiptPolicy as setReceiptPolicyCall,
} from '@daybook/contracts';
import { currentCorrelation, uuidv7, type Clock } from '@daybook/runtime';
import type { Owner, PolicyOf, ReceiptPolicyStore } from '../ports';

const policyStream = ({ tenantId, mode }: Owner) => `receipt-policy-${tenantId}-${mode}`;

/** A strong read: what was set before the call holds. */
export function policiesOf(policies: ReceiptPolicyStore): PolicyOf {
  return async ({ tenantId, mode }) => (await policies.load(policyStream({ tenantId, mode }))).state.policy;
}

export function receiptPolicyCalls({ policies, now }: { readonly policies: ReceiptPolicyStore; readonly now: Clock }) {
  return {
    async getReceiptPolicy(
      owner: CallRequest<typeof getReceiptPolicyCall>,
    ): Promise<CallOutcome<typeof getReceiptPolicyCall>> {
      const { state } = await policies.load(policyStream(owner));
      return { ok: true, value: state };
    },

    async setReceiptPolicy(
      request: CallRequest<typeof setReceiptPolicyCall>,
    ): Promise<CallOutcome<typeof setReceiptPolicyCall>> {
      const stream = policyStream(request);
      const { state } = await policies.handle(
        stream,
        { type: 'SetReceiptPolicy', ...request, at: now().toISOString() },
        { commandId: uuidv7(now()), ...currentCorrelation(stream) },
      );
      return { ok: true, value: state };
    },
  };
}
