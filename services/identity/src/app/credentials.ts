import { commandHandler, type CommandContext, type EventStore } from '@daybook/event-store';
import { currentCorrelation, uuidv7 } from '@daybook/runtime';
import { credentialCodec, loginNameCodec, organizationCodec } from '../adapters/stored-events';
import { credential, type CredentialCommand } from '../domain/credential';
import { loginName, type LoginNameCommand } from '../domain/login-name';
import { organization, type OrganizationCommand } from '../domain/organization';

/** The aggregates of this service behind their streams. */
export type Credentials = ReturnType<typeof openCredentials>;

export function openCredentials(store: EventStore) {
  const organizations = commandHandler(organization, organizationCodec, store);
  const credentials = commandHandler(credential, credentialCodec, store);
  const loginNames = commandHandler(loginName, loginNameCodec, store);
  const organizationStream = (tenantId: string) => `organization-${tenantId}`;
  const credentialStream = (credentialId: string) => `credential-${credentialId}`;
  const loginStream = (digest: string) => `login-${digest}`;
  return {
    changeOrganization: (tenantId: string, command: OrganizationCommand) =>
      organizations.handle(organizationStream(tenantId), command, newContext()),
    async organizationOf(tenantId: string) {
      return (await organizations.load(organizationStream(tenantId))).state;
    },
    change: (credentialId: string, command: CredentialCommand) =>
      credentials.handle(credentialStream(credentialId), command, newContext()),
    async find(credentialId: string) {
      return (await credentials.load(credentialStream(credentialId))).state;
    },
    changeLoginName: (digest: string, command: LoginNameCommand) =>
      loginNames.handle(loginStream(digest), command, newContext()),
    /** The credential that holds the name. */
    async holderOf(digest: string) {
      return (await loginNames.load(loginStream(digest))).state.holder;
    },
  };
}

/** Every command is its own: what was already done is recognised by the rules, on the state that they read. */
function newContext(): CommandContext {
  const commandId = uuidv7();
  return { commandId, ...currentCorrelation(commandId) };
}
