import {
  exchangeLogin,
  findCredential,
  issueCredential,
  registerOrganization,
  restrictCredential,
  revokeCredential,
  verifySignature,
  type CallRequest,
} from '@daybook/contracts';
import { FailureError, onCall, type CallHandler } from '@daybook/http';
import { restrict, revoke } from '../app/change-credential';
import { exchange, type ExchangeDeps } from '../app/exchange-login';
import { find } from '../app/find-credential';
import { issue, type IssueDeps } from '../app/issue-credential';
import { register } from '../app/register-organization';
import { verify } from '../app/verify-signature';

export function callHandlers(deps: IssueDeps & ExchangeDeps): CallHandler[] {
  return [
    onCall(registerOrganization, (request) => register(deps, request)),
    onCall(issueCredential, async (request) => issue(deps, withLoginName(request))),
    onCall(restrictCredential, (request) => restrict(deps, request)),
    onCall(revokeCredential, (request) => revoke(deps, request)),
    onCall(exchangeLogin, (request) => exchange(deps, request)),
    onCall(findCredential, (request) => find(deps, request)),
    onCall(verifySignature, (request) => verify(deps, request)),
  ];
}

/** A login has a name, and nothing else has one. */
function withLoginName(request: CallRequest<typeof issueCredential>): CallRequest<typeof issueCredential> {
  if ((request.kind === 'login') === (request.login !== null)) return request;
  const message = 'login: must be given for kind login, and for no other kind';
  throw new FailureError({ status: 400, code: 'INVALID_REQUEST', message, field: 'login' });
}
