import { Secret } from '@daybook/runtime';
import { Wallet } from 'ethers';
import { evmChain } from '../src/adapters/evm-chain';
import { anvilChain, type AnvilChain } from './anvil-chain';
import { deployPayers, erc20, feeToken, payer } from './evm-payer';
import type { TestChain } from './test-chain';

const feePercent = 3n;

/** An anvil with a pinned token, another that looks like it, and contracts that pay in every way. */
export async function evmTestChain(): Promise<TestChain & { readonly anvil: AnvilChain }> {
  const anvil = await anvilChain();
  const contracts = await deployPayers(anvil);
  const send = async (to: string, data: string) => anvil.transact({ to, data });
  const transfer = (token: string, to: string, amount: bigint) =>
    send(token, erc20.encodeFunctionData('transfer', [to, amount]));
  // `transact` pays from the account that deployed the tokens and has all of them.
  await transfer(contracts.token, contracts.payer, 10n ** 24n);
  await transfer(contracts.lookAlike, contracts.payer, 10n ** 24n);
  const connect = (url = anvil.url) =>
    evmChain({ url: new Secret(url), chainId: 31_337, usdtContract: contracts.token });
  return {
    ...anvil,
    anvil,
    token: 'USDT_ERC20',
    connect: () => connect(),
    wire: { url: anvil.url, connect },
    payments: {
      async several(payments) {
        const [to, amounts] = [payments.map((one) => one.to), payments.map(({ amount }) => amount)];
        const data = payer.encodeFunctionData('many', [contracts.token, to, amounts]);
        const { hash } = await send(contracts.payer, data);
        return { transactionId: hash };
      },
      async token(to, amount) {
        await transfer(contracts.token, to, amount);
      },
      async failed(to, amount) {
        const data = payer.encodeFunctionData('reverting', [contracts.token, to, amount]);
        const { status } = await send(contracts.payer, data);
        if (status !== '0x0') throw new Error('the transaction was to fail');
      },
      async lookAlike(to, amount) {
        await transfer(contracts.lookAlike, to, amount);
      },
      async nothing(to) {
        await anvil.transact({ to, value: 0n });
        await transfer(contracts.token, to, 0n);
      },
      replaced: anvil.replace,
      async spender() {
        const key = Wallet.createRandom();
        // For fees: more than a test pays, and no deposit.
        await anvil.ask('anvil_setBalance', key.address, `0x${(10n ** 20n).toString(16)}`);
        return {
          address: key.address,
          send: (to, value) => anvil.include(key, { to, value }),
          sendToken: (to, amount) =>
            anvil.include(key, { to: contracts.token, data: erc20.encodeFunctionData('transfer', [to, amount]) }),
        };
      },
      async withFee(to, amount) {
        await send(contracts.token, feeToken.encodeFunctionData('setFee', [feePercent]));
        await transfer(contracts.token, to, amount);
        await send(contracts.token, feeToken.encodeFunctionData('setFee', [0n]));
        return amount - (amount * feePercent) / 100n;
      },
    },
  };
}
