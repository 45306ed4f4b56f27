import { sampleDeposit } from '../../test/sample-deposit';
import type { DepositEvent } from '../domain/deposit';
import { depositEvents } from './stored-events';

const deposit = {
  type: 'DepositSeen',
  ...sampleDeposit,
  at: '2026-01-01T00:00:00.000Z',
} as const satisfies DepositEvent;
const stored =
  '{"depositId":"11111111-1111-8111-8111-111111111111","chain":"evm-1","transactionId":"0xabc","index":0,"asset":"ETH",' +
  '"amount":"5","address":"0xA","reference":"intent","tenantId":"22222222-2222-8222-8222-222222222222","mode":"sandbox",' +
  '"blockNumber":7,"blockHash":"x","at":"2026-01-01T00:00:00.000Z"}';

test('a deposit is stored in the bytes that it always was, and read from them without a word of sweeps', () => {
  const { type, version, payload } = depositEvents.encode(deposit);
  expect([type, version, payload.toString()]).toEqual(['DepositSeen', 1, stored]);
  expect(depositEvents.decode({ type, version, payload })).toEqual(deposit);
});

test('a sweep is stored with who spent it, under a version that builds which do not know sweeps refuse', () => {
  const swept = { ...deposit, sweptFrom: '0xB' };
  const encoded = depositEvents.encode(swept);
  expect([encoded.version, encoded.payload.toString()]).toEqual([2, stored.replace(/}$/, ',"sweptFrom":"0xB"}')]);
  expect(depositEvents.decode(encoded)).toEqual(swept);
});
