import { paymentUri } from './payment-uri';

const nowhere = { contract: undefined, chainId: undefined };
const sepolia = { contract: undefined, chainId: 11_155_111 };
const payee = '0xfb6916095ca1df60bB79Ce92cE3Ea74c37c5d359';

describe('payment URIs', () => {
  test('Bitcoin is BIP-21, in whole units', () => {
    const address = 'bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu';
    const paying = { family: 'bitcoin', address, asset: 'BTC' } as const;
    expect(paymentUri({ ...paying, amount: 2_030_000_000n }, nowhere)).toBe(`bitcoin:${address}?amount=20.30`);
    expect(paymentUri({ ...paying, amount: null }, nowhere)).toBe(`bitcoin:${address}`);
  });

  test('EVM is EIP-681, in wei, and a call of the contract for a token', () => {
    const eth = { family: 'evm', address: payee, asset: 'ETH', amount: 2_014_000_000_000_000_000n } as const;
    expect(paymentUri(eth, sepolia)).toBe(`ethereum:${payee}@11155111?value=2014000000000000000`);
    const token = { ...sepolia, contract: '0x89205a3a3b2a69de6dbf7f01ed13b2108b2c43e7' };
    expect(paymentUri({ ...eth, asset: 'USDT_ERC20', amount: 1n }, token)).toBe(
      `ethereum:${token.contract}@11155111/transfer?address=${payee}&uint256=1`,
    );
  });

  test('Solana is Solana Pay, in whole units, with the mint of a token', () => {
    const address = 'mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN';
    const mint = 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v';
    const paying = { family: 'solana', address } as const;
    expect(paymentUri({ ...paying, asset: 'SOL', amount: 1n }, nowhere)).toBe(`solana:${address}?amount=0.000000001`);
    expect(paymentUri({ ...paying, asset: 'USDT_SOL', amount: 10_000n }, { ...nowhere, contract: mint })).toBe(
      `solana:${address}?amount=0.01&spl-token=${mint}`,
    );
  });

  test('Tron names the contract of a token', () => {
    const paying = { family: 'tron', address: 'TA', amount: 1_500_000n } as const;
    expect(paymentUri({ ...paying, asset: 'TRX' }, nowhere)).toBe('tron:TA?amount=1.50');
    expect(paymentUri({ ...paying, asset: 'USDT_TRC20' }, { ...nowhere, contract: 'TC' })).toBe(
      'tron:TA?amount=1.50&token=TC',
    );
  });

  test('UPI is a link already', () => {
    const address = 'upi://pay?pa=shop@bank';
    expect(paymentUri({ family: 'upi', address, asset: 'INR', amount: 1n }, nowhere)).toBe(address);
  });
});
