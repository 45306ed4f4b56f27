import { assets } from './asset';

/** Of every asset that an event was ever recorded in: what is added here is never taken away again. */
const scales = {
  TXC: 2,
  USD: 2,
  EUR: 2,
  GBP: 2,
  INR: 2,
  ETH: 18,
  USDT_ERC20: 6,
  USDT_TRC20: 6,
  SOL: 9,
  USDT_SOL: 6,
  BTC: 8,
  TRX: 6,
};

test('an asset is there for ever, and its minor unit stays what it was', () => {
  expect(Object.fromEntries(Object.values(assets).map(({ code, scale }) => [code, scale]))).toEqual(scales);
});
