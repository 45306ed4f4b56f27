import { loadConfig } from '../config';
import { configuredChains } from './configured-chains';

const required = {
  DATABASE_URL: 'postgres://localhost/daybook',
  INTERNAL_TOKEN: 'x'.repeat(32),
  EVM_RPC_URL: 'http://127.0.0.1:9',
};

describe('what makes an EVM deposit final', () => {
  const ruleOf = (env: Record<string, string>) => configuredChains(loadConfig({ ...required, ...env }))[0]!.rule;
  const [finalized, three] = [{ kind: 'finalized' }, { kind: 'depth', confirmations: 3 }];

  test('with real money the mark of the chain, in the sandbox a few blocks', () => {
    expect(ruleOf({ EVM_MODE: 'live' })).toEqual(finalized);
    // A number alone does not choose depth.
    expect(ruleOf({ EVM_MODE: 'live', EVM_CONFIRMATIONS: '12' })).toEqual(finalized);
    expect(ruleOf({})).toEqual(three);
    expect(ruleOf({ EVM_MODE: 'sandbox' })).toEqual(three);
  });

  test('what somebody chose, in either mode', () => {
    expect(ruleOf({ EVM_MODE: 'live', EVM_FINALITY: 'depth' })).toEqual(three);
    expect(ruleOf({ EVM_MODE: 'live', EVM_FINALITY: 'depth', EVM_CONFIRMATIONS: '64' })).toEqual({
      kind: 'depth',
      confirmations: 64,
    });
    expect(ruleOf({ EVM_FINALITY: 'finalized' })).toEqual(finalized);
  });
});
