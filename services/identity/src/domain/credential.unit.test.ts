import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import { credential, type CredentialCommand, type CredentialEvent, type IssuedCredential } from './credential';
import { canonicalAllowList } from './ip-allow-list';

const at = '2026-01-01T00:00:00.000Z';
const issued: IssuedCredential = {
  credentialId: 'key_1',
  tenantId: 'alpha',
  kind: 'api_key',
  mode: 'sandbox',
  scopes: ['pay'],
  walletId: null,
  userNumber: 1,
  ipAllowList: [],
  secretDigest: 'aa'.repeat(32),
  sealedSigningSecret: null,
  login: null,
};
const issue: CredentialCommand = { type: 'IssueCredential', ...issued, at };
const tenantId = fc.constantFrom('alpha', 'beta');
const ipAllowList = fc.array(fc.constantFrom('10.0.0.0/8', '2001:DB8::/32', '203.0.113.9', 'example.org'), {
  maxLength: 3,
});
const command: fc.Arbitrary<CredentialCommand> = fc.oneof(
  ipAllowList.map((list) => ({ ...issue, ipAllowList: list }) as CredentialCommand),
  fc.record({ type: fc.constant('RestrictCredential' as const), tenantId, ipAllowList, at: fc.constant(at) }),
  fc.record({ type: fc.constant('RevokeCredential' as const), tenantId, at: fc.constant(at) }),
);
const commands = fc.array(command, { maxLength: 20 });

function play(given: readonly CredentialCommand[]) {
  const log: CredentialEvent[] = [];
  let state = credential.initial;
  const steps = given.map((c) => {
    const decision = credential.decide(c, state);
    if (!decision.ok) return { command: c, accepted: false, events: [] };
    state = decision.events.reduce(credential.evolve, state);
    log.push(...decision.events);
    return { command: c, accepted: true, events: decision.events };
  });
  return { log, steps, state };
}

describe('credential', () => {
  test('C1: is issued once, revoked once, and silent afterwards', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const types = play(given).log.map(({ type }) => type);
        expect(types.filter((type) => type === 'CredentialIssued').length).toBeLessThanOrEqual(1);
        const revokedAt = types.indexOf('CredentialRevoked');
        if (revokedAt >= 0) expect(revokedAt).toBe(types.length - 1);
      }),
    );
  });

  test('C2: obeys only its own tenant', () => {
    fc.assert(
      fc.property(commands, (given) => {
        for (const step of play(given).steps.filter((s) => s.command.tenantId === 'beta')) {
          expect(step).toMatchObject({ accepted: false, events: [] });
        }
      }),
    );
  });

  test('C3: records canonical blocks only', () => {
    fc.assert(
      fc.property(commands, (given) => {
        for (const event of play(given).log) {
          if (event.type !== 'CredentialRevoked')
            expect(canonicalAllowList(event.ipAllowList)).toEqual(event.ipAllowList);
        }
      }),
    );
  });

  test('C4: accepts an immediate repeat and records nothing', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const once = play(given);
        const twice = play(given.flatMap((c) => [c, c]));
        expect(twice.log).toEqual(once.log);
        expect(twice.steps.map((s) => s.accepted)).toEqual(once.steps.flatMap((s) => [s.accepted, s.accepted]));
      }),
    );
  });

  test('answers the first rejection that applies', () => {
    const restrict = (tenant: string, list: readonly string[]) =>
      ({ type: 'RestrictCredential', tenantId: tenant, ipAllowList: list, at }) as const;
    const { state: active } = play([issue]);
    const { state: revoked } = play([issue, { type: 'RevokeCredential', tenantId: 'alpha', at }]);
    expect(credential.decide(restrict('alpha', ['nonsense']), credential.initial)).toEqual(
      reject('credential_not_found'),
    );
    expect(credential.decide(restrict('beta', ['nonsense']), revoked)).toEqual(reject('credential_not_found'));
    expect(credential.decide(restrict('alpha', ['nonsense']), revoked)).toEqual(reject('ip_allow_list_invalid'));
    expect(credential.decide(restrict('alpha', ['10.0.0.1']), revoked)).toEqual(reject('credential_revoked'));
    expect(credential.decide(restrict('alpha', ['10.0.0.1']), active)).toEqual(
      accept({ type: 'CredentialRestricted', credentialId: 'key_1', ipAllowList: ['10.0.0.1/32'], at }),
    );
  });
});
