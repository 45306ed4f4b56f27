import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import { loginName, type LoginNameCommand, type LoginNameEvent } from './login-name';

const at = '2026-01-01T00:00:00.000Z';
const command: fc.Arbitrary<LoginNameCommand> = fc.record({
  type: fc.constantFrom('ClaimLoginName' as const, 'ReleaseLoginName' as const),
  credentialId: fc.constantFrom('a', 'b'),
  at: fc.constant(at),
});
const commands = fc.array(command, { maxLength: 20 });

function play(given: readonly LoginNameCommand[]) {
  const log: LoginNameEvent[] = [];
  let state = loginName.initial;
  const accepted = given.map((c) => {
    const decision = loginName.decide(c, state);
    if (!decision.ok) return false;
    state = decision.events.reduce(loginName.evolve, state);
    log.push(...decision.events);
    return true;
  });
  return { log, accepted };
}

describe('login name', () => {
  test('N1: has at most one holder, freed by the holder only', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const { log } = play(given);
        for (const [index, event] of log.entries()) {
          const claimed = event.type === 'LoginNameClaimed';
          expect(claimed).toBe(index % 2 === 0);
          if (!claimed) expect(event.credentialId).toBe(log[index - 1]?.credentialId);
        }
      }),
    );
    const held = { holder: 'a' };
    expect(loginName.decide({ type: 'ClaimLoginName', credentialId: 'b', at }, held)).toEqual(reject('login_taken'));
    expect(loginName.decide({ type: 'ClaimLoginName', credentialId: 'a', at }, held)).toEqual(accept());
  });

  test('N2: accepts an immediate repeat and records nothing', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const once = play(given);
        const twice = play(given.flatMap((c) => [c, c]));
        expect(twice.log).toEqual(once.log);
        expect(twice.accepted).toEqual(once.accepted.flatMap((ok) => [ok, ok]));
      }),
    );
  });
});
