import { join } from 'node:path';
import { getCreate2Address, keccak256 } from 'ethers';
import { deploymentProxy, deploymentSalt } from './deployment';
import { encodeSettle, settledEventOf, settlementAddress, settlementIdOf } from './settlement';
import artefact from './settlement.json';

const to = '0x00000000000000000000000000000000000000A1';
const payer = '0x00000000000000000000000000000000000000b2';
const settlementId = settlementIdOf('one');
const word = (hex: string) => hex.slice(2).toLowerCase().padStart(64, '0');

test('the committed artefact is what the source compiles to', () => {
  // A path of its own, so that the compiler is loaded only here.
  const { compile } = require(join(__dirname, '../scripts/compile-contracts.cjs')) as { compile(): typeof artefact };
  expect(compile()).toEqual(artefact);
});

test('the address follows from the bytecode', () => {
  expect(settlementAddress).toBe(getCreate2Address(deploymentProxy, deploymentSalt, keccak256(artefact.bytecode)));
});

test('the id of a send is the same for ever, and another for another send', () => {
  expect(settlementId).toBe('0x2351f2f246fbc2aaa47e78710ba83c18d976e529af62db28938f1bfbd787e33f');
  expect(settlementIdOf('two')).not.toBe(settlementId);
});

describe('a settle call', () => {
  const data = encodeSettle({ settlementId, to });

  test('is selector, id and receiver', () => {
    expect(data).toBe(`0x${data.slice(2, 10)}${word(settlementId)}${word(to)}`);
  });

  test('takes no short id and no bad address', () => {
    expect(() => encodeSettle({ settlementId: '0x01', to })).toThrow('incorrect data length');
    expect(() => encodeSettle({ settlementId, to: '0x01' })).toThrow('invalid address');
    expect(() => encodeSettle({ settlementId, to: `0x52908400098527886E0F7030069857D2E4169Ee7` })).toThrow(
      'bad address checksum',
    );
  });
});

describe('a log', () => {
  const topics = [
    keccak256(Buffer.from('Settled(bytes32,address,address,uint256)')),
    settlementId,
    word(payer),
    word(to),
  ];
  const log = {
    address: settlementAddress,
    topics: topics.map((topic) => (topic.startsWith('0x') ? topic : `0x${topic}`)),
    data: `0x${word('0x07')}`,
  };

  test('of the contract tells the settlement', () => {
    expect(settledEventOf(log)).toEqual({ settlementId, payer, to, amount: 7n });
    expect(settledEventOf({ ...log, address: settlementAddress.toLowerCase() })).toBeDefined();
  });

  test('of another contract or kind tells nothing', () => {
    expect(settledEventOf({ ...log, address: payer })).toBeUndefined();
    expect(settledEventOf({ ...log, topics: [settlementId, ...log.topics.slice(1)] })).toBeUndefined();
  });
});
