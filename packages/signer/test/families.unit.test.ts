/** Every family: whose wallet it is, what its bytes say when another library reads them, and what is not signed. */
import { alice, ethSend, phrase, seed, settlementContract, usdt, usdtOnSolana, usdtOnTron } from './rig';
import { decide, nothingSigned, remember, type Terms } from '../src/domain/signing';
import type { FamilyKeys } from '../src/ports';
import {
  solanaTransaction,
  type BitcoinTransaction,
  type EvmTransaction,
  type SolanaTransaction,
  type TronTransaction,
} from '../src/transactions';
import { bitcoinKeys } from '../src/families/bitcoin-keys';
import { evmKeys } from '../src/families/evm-keys';
import { solanaKeys } from '../src/families/solana-keys';
import { tronKeys } from '../src/families/tron-keys';

async function refusalOf<T extends EvmTransaction | BitcoinTransaction | TronTransaction | SolanaTransaction>(
  keys: FamilyKeys<T>,
  transaction: T,
): Promise<string> {
  const outcome = await keys.read(0, transaction);
  return outcome.ok ? 'none' : outcome.refusal;
}

describe('EVM', () => {
  const keys = evmKeys(seed, {
    chainId: 31_337,
    tokens: new Map([[usdt.toLowerCase(), 'USDT_ERC20' as const]]),
    settlementContracts: new Set([settlementContract.toLowerCase()]),
  });
  const own = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
  const native = ethSend('a', 7).transaction;
  const settlementId = `0x${'ab'.repeat(32)}`;
  const token = { ...native, payment: { type: 'erc20', token: usdt, to: alice, amount: 5n } } as const;
  const contract = {
    ...native,
    payment: { type: 'settlement', contract: settlementContract, settlementId, to: alice, amount: 5n },
  } as const;

  test("wallets are the key's", async () => {
    await expect(keys.walletOf(0)).resolves.toMatchObject({ address: own });
    await expect(keys.walletOf(1)).resolves.toMatchObject({ address: alice });
  });

  test('bytes say what was asked for, and nothing else', async () => {
    const { Transaction } = await import('ethers');
    const { transactionId, bytes } = await keys.sign(0, native);
    const said = Transaction.from(`0x${bytes}`);
    expect(said).toMatchObject({ hash: transactionId, from: own, to: alice, value: 10n ** 15n, nonce: 7, data: '0x' });
    const ofToken = Transaction.from(`0x${(await keys.sign(0, token)).bytes}`);
    expect(ofToken).toMatchObject({ to: usdt, value: 0n });
    expect(ofToken.data).toBe(`0xa9059cbb${alice.slice(2).toLowerCase().padStart(64, '0')}${'5'.padStart(64, '0')}`);
    const settled = Transaction.from(`0x${(await keys.sign(0, contract)).bytes}`);
    expect(settled).toMatchObject({ to: settlementContract, value: 5n });
    expect(settled.data.slice(10)).toBe('ab'.repeat(32) + alice.slice(2).toLowerCase().padStart(64, '0'));
  });

  test('the same request has the same bytes', async () => {
    await expect(keys.sign(0, native)).resolves.toEqual(await keys.sign(0, native));
  });

  test('who is paid is told in one spelling, and the way is part of the terms', async () => {
    const reading = async (transaction: EvmTransaction) => keys.read(0, transaction);
    await expect(reading(native)).resolves.toMatchObject({
      reading: { to: alice.toLowerCase(), way: 'native', asset: 'ETH', slots: ['evm/31337/0/7'], exclusive: true },
    });
    await expect(reading(contract)).resolves.toMatchObject({
      reading: { to: alice.toLowerCase(), way: `${settlementContract.toLowerCase()} ${settlementId}`, asset: 'ETH' },
    });
    await expect(reading(token)).resolves.toMatchObject({ reading: { asset: 'USDT_ERC20' } });
  });

  const paying = (to: string, amount = 1n) => ({ ...native, payment: { type: 'native', to, amount } as const });
  test.each<[string, string, EvmTransaction]>([
    ['a broken checksum', 'transaction_invalid', paying(alice.replace('C8', 'c8'))],
    ['itself', 'transaction_invalid', paying(own)],
    ['nobody', 'transaction_invalid', paying(`0x${'0'.repeat(40)}`)],
    ['nothing', 'transaction_invalid', paying(alice, 0n)],
    ['too little gas', 'transaction_invalid', { ...native, gasLimit: 20_999n }],
    ['a tip above the fee', 'transaction_invalid', { ...native, maxPriorityFeePerGas: 2_000_000_001n }],
    ['a token to its own contract', 'transaction_invalid', { ...token, payment: { ...token.payment, to: usdt } }],
    ['another chain', 'chain_not_allowed', { ...native, chainId: 1 }],
    ['another token', 'contract_not_allowed', { ...token, payment: { ...token.payment, token: settlementContract } }],
    ['another contract', 'contract_not_allowed', { ...contract, payment: { ...contract.payment, contract: usdt } }],
  ])('%s is refused: %s', async (_what, refusal, transaction) => {
    expect(await refusalOf(keys, transaction)).toBe(refusal);
  });
});

describe('Bitcoin', () => {
  const keys = bitcoinKeys(seed, 'regtest');
  const to = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
  const input = (vout: number, amount: bigint) => ({ txid: 'ab'.repeat(32), vout, amount });
  const send: BitcoinTransaction = {
    network: 'regtest',
    inputs: [input(1, 60_000n), input(0, 50_000n)],
    to,
    amount: 70_000n,
    change: 39_000n,
    fee: 1_000n,
  };

  test('wallets are those of BIP-84', async () => {
    const { address } = await bitcoinKeys(
      // The published phrase of BIP-84: "abandon … about".
      Buffer.from(
        '5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc19a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4',
        'hex',
      ),
      'mainnet',
    ).walletOf(0);
    expect(address).toBe('bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu');
  });

  test('bytes spend the inputs, pay the recipient, and give the rest back to the own address', async () => {
    const { Transaction } = await import('@scure/btc-signer');
    const { transactionId, bytes } = await keys.sign(0, send);
    const said = Transaction.fromRaw(new Uint8Array(Buffer.from(bytes, 'hex')));
    const network = { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef };
    const { address } = await keys.walletOf(0);
    expect(said.id).toBe(transactionId);
    expect([0, 1].map((at) => [said.getOutputAddress(at, network), said.getOutput(at).amount])).toEqual([
      [to, 70_000n],
      [address, 39_000n],
    ]);
    expect([0, 1].map((at) => [said.getInput(at).index, said.getInput(at).sequence])).toEqual([
      [1, 0xfffffffd],
      [0, 0xfffffffd],
    ]);
    const whole = await keys.sign(0, { ...send, change: 0n, fee: 40_000n });
    expect(Transaction.fromRaw(new Uint8Array(Buffer.from(whole.bytes, 'hex'))).outputsLength).toBe(1);
  });

  test('its inputs are its slots, in one order', async () => {
    const slots = ['0', '1'].map((vout) => `bitcoin/${'ab'.repeat(32)}:${vout}`);
    await expect(keys.read(0, send)).resolves.toMatchObject({ reading: { slots, exclusive: true, amount: 70_000n } });
    const upperCase = { ...send, to: to.toUpperCase() };
    await expect(keys.read(0, upperCase)).resolves.toMatchObject({ reading: { to } });
  });

  test('what inputs are told to have is the same for all transactions of a send, or their witnesses could be combined', async () => {
    const policy = {
      amounts: { BTC: { perSend: 10n ** 8n, perDay: 10n ** 8n } },
      fees: { BTC: { perSend: 10n ** 6n, perDay: 10n ** 6n } },
      replacementsMax: 10,
    };
    const signed = nothingSigned();
    const ask = async (transaction: BitcoinTransaction) => {
      const outcome = await keys.read(0, transaction);
      if (!outcome.ok) return outcome.refusal;
      const { fee } = transaction;
      const terms: Terms = { ...outcome.reading, sendId: 'a', digest: `fee ${fee}`, feeAsset: 'BTC', fee };
      const verdict = decide(terms, 0, signed, policy);
      if (verdict.type === 'refused') return verdict.refusal;
      remember(signed, { terms, at: 0, answer: { transactionId: 'x', bytes: '00' } });
      return verdict.type;
    };
    expect(await ask(send)).toBe('sign');
    // The other input is said to have less, so the witness of the first one holds for what it truly has, and with less change.
    const lie = { ...send, inputs: [input(1, 60_000n), input(0, 20_000n)], change: 8_000n, fee: 2_000n };
    expect(await ask(lie)).toBe('send_exists_with_different_fields');
    const sameSum = { ...send, inputs: [input(1, 90_000n), input(0, 20_000n)], change: 38_000n, fee: 2_000n };
    expect(await ask(sameSum)).toBe('send_exists_with_different_fields');
    const inOtherOrder = { ...send, inputs: [...send.inputs].reverse(), change: 38_000n, fee: 2_000n };
    expect(await ask(inOtherOrder)).toBe('sign');
  });

  test.each<[string, string, Partial<BitcoinTransaction>]>([
    ['another network', 'chain_not_allowed', { network: 'mainnet' }],
    ['an address of another network', 'transaction_invalid', { to: 'bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu' }],
    ['a broken checksum', 'transaction_invalid', { to: to.replace('080', '081') }],
    ['a fee that is not what is left', 'transaction_invalid', { fee: 999n }],
    ['a sum that is too large', 'transaction_invalid', { amount: 70_001n }],
    ['no fee', 'transaction_invalid', { fee: 0n, change: 40_000n }],
    ['change that is dust', 'transaction_invalid', { change: 293n, fee: 39_707n }],
    ['an amount that is dust', 'transaction_invalid', { amount: 293n, change: 108_707n }],
    ['an input twice', 'transaction_invalid', { inputs: [input(0, 55_000n), input(0, 55_000n)] }],
  ])('%s is refused: %s', async (_what, refusal, change) => {
    expect(await refusalOf(keys, { ...send, ...change })).toBe(refusal);
  });

  test('paying itself is refused', async () => {
    const { address } = await keys.walletOf(0);
    expect(await refusalOf(keys, { ...send, to: address })).toBe('transaction_invalid');
  });
});

describe('Tron', () => {
  const keys = tronKeys(seed, { tokens: new Map([[usdtOnTron, 'USDT_TRC20' as const]]) });
  const to = 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8';
  const native: TronTransaction = {
    refBlockBytes: '1a2b',
    refBlockHash: '0123456789abcdef',
    expiration: 1_800_000_060_000,
    timestamp: 1_800_000_000_000,
    feeLimit: 0n,
    payment: { type: 'native', to, amount: 1_500_000n },
  };
  const token: TronTransaction = {
    ...native,
    feeLimit: 30_000_000n,
    payment: { type: 'trc20', token: usdtOnTron, to, amount: 7_000_000n },
  };

  test("wallets are those of tronweb's own derivation", async () => {
    const { TronWeb } = await import('tronweb');
    for (const index of [0, 3]) {
      const wallet = TronWeb.fromMnemonic(phrase, `m/44'/195'/0'/0/${index}`);
      await expect(keys.walletOf(index)).resolves.toMatchObject({ address: wallet.address });
    }
  });

  test.each([
    ['TRX', 'TransferContract', native],
    ['a token', 'TriggerSmartContract', token],
  ])('bytes of %s are a transaction that the wallet has signed', async (_what, type, transaction) => {
    const { TronWeb, utils } = await import('tronweb');
    const { transactionId, bytes } = await keys.sign(0, transaction);
    const { address } = await keys.walletOf(0);
    // Field 1 is the raw data, field 2 a signature of 65 bytes.
    const length = Buffer.from(bytes.slice(2, 6), 'hex');
    const [size, start] = length[0]! < 0x80 ? [length[0]!, 4] : [(length[0]! & 0x7f) | (length[1]! << 7), 6];
    const raw = bytes.slice(start, start + 2 * size);
    const signature = bytes.slice(start + 2 * size);
    expect(signature.slice(0, 4)).toBe('1241');
    expect(signature.length).toBe(4 + 130);
    const signer = utils.crypto.ecRecover(transactionId, signature.slice(4));
    expect(TronWeb.address.fromHex(signer)).toBe(address);
    const said = utils.deserializeTx.deserializeTransaction(type, raw) as {
      ref_block_bytes: string;
      fee_limit: number;
      contract: { parameter: { value: Record<string, unknown> } }[];
    };
    expect(said).toMatchObject({ ref_block_bytes: '1A2B', fee_limit: Number(transaction.feeLimit) });
    const value = said.contract[0]!.parameter.value;
    if (type === 'TransferContract')
      expect(value).toMatchObject({ amount: 1_500_000, to_address: TronWeb.address.toHex(to).toUpperCase() });
    else
      expect(String(value.data).toLowerCase()).toBe(
        `a9059cbb${TronWeb.address.toHex(to).slice(2).toLowerCase().padStart(64, '0')}${(7_000_000).toString(16).padStart(64, '0')}`,
      );
  });

  test('two transactions of one send could both be included, so none replaces another', async () => {
    await expect(keys.read(0, native)).resolves.toMatchObject({ reading: { exclusive: false, asset: 'TRX' } });
    await expect(keys.read(0, token)).resolves.toMatchObject({ reading: { exclusive: false, asset: 'USDT_TRC20' } });
  });

  test.each<[string, string, TronTransaction]>([
    [
      'a broken checksum',
      'transaction_invalid',
      { ...native, payment: { ...native.payment, to: to.replace('v8', 'v9') } },
    ],
    ['nothing', 'transaction_invalid', { ...native, payment: { ...native.payment, amount: 0n } }],
    [
      'more than a double counts',
      'transaction_invalid',
      { ...native, payment: { ...native.payment, amount: 2n ** 53n } },
    ],
    ['a life of more than a day', 'transaction_invalid', { ...native, expiration: 1_800_086_400_001 }],
    ['a life that is over', 'transaction_invalid', { ...native, expiration: native.timestamp }],
    ['TRX with a fee limit', 'transaction_invalid', { ...native, feeLimit: 1n }],
    ['a token without a fee limit', 'transaction_invalid', { ...token, feeLimit: 0n }],
    [
      'another token',
      'contract_not_allowed',
      { ...token, payment: { type: 'trc20', token: to, to: usdtOnTron, amount: 1n } },
    ],
  ])('%s is refused: %s', async (_what, refusal, transaction) => {
    expect(await refusalOf(keys, transaction)).toBe(refusal);
  });
});

describe('Solana', () => {
  const keys = solanaKeys(seed, { tokens: new Map([[usdtOnSolana, 'USDT_SOL' as const]]) });
  const to = '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM';
  const blockhash = 'EkSnNWid2cvwEVnVx9aBqawnmiCNiDgp3gUdkDPTKN1N';
  const account = 'HN7cABqLq46Es1jh92dQQisAq662SmxELLLsHHe4YWrH';
  const native: SolanaTransaction = {
    lifetime: { type: 'blockhash', blockhash },
    computeUnitLimit: 10_000,
    computeUnitPrice: 1_000n,
    payment: { type: 'native', to, amount: 5_000_000n },
  };
  const token: SolanaTransaction = {
    ...native,
    payment: { type: 'token', mint: usdtOnSolana, to, amount: 9n, createAccount: true },
  };

  test('wallets are those of SLIP-10', async () => {
    const { Keypair } = await import('@solana/web3.js');
    const { deriveEd25519 } = await import('@daybook/runtime');
    const { key } = deriveEd25519(seed, [44, 501, 2, 0]);
    const expected = Keypair.fromSeed(new Uint8Array(key)).publicKey.toBase58();
    await expect(keys.walletOf(2)).resolves.toMatchObject({ address: expected });
  });

  test('bytes of SOL are a signed transfer', async () => {
    const { SystemInstruction, Transaction } = await import('@solana/web3.js');
    const { bytes } = await keys.sign(0, native);
    const said = Transaction.from(Buffer.from(bytes, 'hex'));
    const { address } = await keys.walletOf(0);
    expect(said.verifySignatures()).toBe(true);
    expect(said.feePayer?.toBase58()).toBe(address);
    expect(said.instructions).toHaveLength(3);
    const transfer = SystemInstruction.decodeTransfer(said.instructions[2]!);
    expect([transfer.fromPubkey.toBase58(), transfer.toPubkey.toBase58()]).toEqual([address, to]);
    expect(transfer.lamports).toBe(5_000_000n);
  });

  test("a token goes between the owners' associated accounts, with the decimals of the asset", async () => {
    const { PublicKey, Transaction } = await import('@solana/web3.js');
    const said = Transaction.from(Buffer.from((await keys.sign(0, token)).bytes, 'hex'));
    const transfer = said.instructions[3]!;
    const programs = ['TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA', 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL'];
    const [program, associated] = programs.map((key) => new PublicKey(key));
    const accountOf = (owner: string) =>
      PublicKey.findProgramAddressSync(
        [new PublicKey(owner).toBytes(), program!.toBytes(), new PublicKey(usdtOnSolana).toBytes()],
        associated!,
      )[0].toBase58();
    const { address } = await keys.walletOf(0);
    expect(transfer.keys.map(({ pubkey }) => pubkey.toBase58())).toEqual([
      accountOf(address),
      usdtOnSolana,
      accountOf(to),
      address,
    ]);
    expect([...transfer.data]).toEqual([12, 9, 0, 0, 0, 0, 0, 0, 0, 6]);
    expect(said.instructions[2]!.programId.toBase58()).toBe(programs[1]);
  });

  test('two transactions of one send could both be included, so none replaces another; nor does a durable nonce', async () => {
    await expect(keys.read(0, native)).resolves.toMatchObject({ reading: { exclusive: false } });
    await expect(keys.read(0, token)).resolves.toMatchObject({ reading: { exclusive: false } });
    const told = (lifetime: object) =>
      solanaTransaction.safeParse({
        ...native,
        lifetime,
        computeUnitPrice: '1000',
        payment: { ...native.payment, amount: '5000000' },
      }).success;
    expect(told(native.lifetime)).toBe(true);
    // What is told to be a nonce may be a recent blockhash, and then every transaction that has it is included.
    expect(told({ type: 'nonce', account, nonce: blockhash })).toBe(false);
  });

  test.each<[string, string, SolanaTransaction]>([
    ['what is no key', 'transaction_invalid', { ...native, payment: { ...native.payment, to: 'z'.repeat(44) } }],
    ['nothing', 'transaction_invalid', { ...native, payment: { ...native.payment, amount: 0n } }],
    ['more than a u64', 'transaction_invalid', { ...native, payment: { ...native.payment, amount: 2n ** 64n } }],
    [
      'another mint',
      'contract_not_allowed',
      { ...token, payment: { type: 'token', mint: account, to, amount: 1n, createAccount: false } },
    ],
  ])('%s is refused: %s', async (_what, refusal, transaction) => {
    expect(await refusalOf(keys, transaction)).toBe(refusal);
  });

  test('paying itself is refused', async () => {
    const { address } = await keys.walletOf(0);
    expect(await refusalOf(keys, { ...native, payment: { ...native.payment, to: address } })).toBe(
      'transaction_invalid',
    );
  });
});
