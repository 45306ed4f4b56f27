import { z } from 'zod';
import { evmSettings, finalityOf } from './evm-settings';

const depth = { kind: 'depth', confirmations: 3 };
const marked = { kind: 'finalized' };

test.each([
  ['in the sandbox, by depth', {}, depth],
  ['live, by the mark of the chain', { EVM_MODE: 'live' }, marked],
  ['live, by depth where somebody says so', { EVM_MODE: 'live', EVM_FINALITY: 'depth' }, depth],
  ['in the sandbox, by the mark where somebody says so', { EVM_FINALITY: 'finalized' }, marked],
])('a transaction is final %s', (_how, settings, finality) => {
  expect(finalityOf(z.object(evmSettings).parse(settings))).toEqual(finality);
});
