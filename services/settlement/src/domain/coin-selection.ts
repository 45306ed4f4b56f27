/**
 * Which coins of a wallet pay an amount on Bitcoin, what goes back to the wallet, and what the miner gets. All coins and
 * the change are P2WPKH; amounts are satoshis.
 *
 * Invariants (each has a property test of the same name):
 *   C1  The inputs are exactly the amount, the change and the fee; no coin is spent twice.
 *   C2  The fee pays the rate for the transaction's size, and never exceeds the cap.
 *   C3  The change is nothing, or more than dust.
 *   C4  A raised fee keeps the inputs and the amount, takes from the change only, and replaces by BIP-125.
 *
 * Sizes: BIP-141 (weight), BIP-143 (P2WPKH inputs); a signature is at most 72 bytes with its type.
 */
export type Coin = { readonly txid: string; readonly vout: number; readonly amount: bigint };

export type CoinChoice = {
  readonly inputs: readonly Coin[];
  /** Zero when there is no change output. */
  readonly change: bigint;
  readonly fee: bigint;
};

export type PaymentTerms = {
  readonly amount: bigint;
  /** Length of the recipient's script in bytes. */
  readonly scriptLength: bigint;
  /** Satoshis for 1000 virtual bytes. */
  readonly rate: bigint;
  /** The most that the fee may be. */
  readonly feeCap: bigint;
};

export type CoinRefusal = 'amount_below_dust' | 'insufficient_funds' | 'fee_too_high';

/** A transaction of more inputs is slow to sign, and near the 400,000 weight units that nodes relay with more outputs. */
export const inputsMax = 100n;
/** What bitcoind relays at least, and at least more for a replacement (-minrelaytxfee, -incrementalrelayfee). */
export const relayRate = 1000n;
/** Of P2PKH, the largest of the usual outputs; bitcoind calls less for it dust, at 3000 satoshis for 1000 bytes. */
export const dustLimit = 546n;

const overheadWeight = 42n;
const inputWeight = 272n;
const changeScriptLength = 22n;

const outputWeight = (scriptLength: bigint) => (8n + 1n + scriptLength) * 4n;
const ceilOf = (dividend: bigint, divisor: bigint) => (dividend + divisor - 1n) / divisor;

/** In virtual bytes. */
export function sizeOf(inputs: bigint, scriptLength: bigint, withChange: boolean): bigint {
  const change = withChange ? outputWeight(changeScriptLength) : 0n;
  return ceilOf(overheadWeight + inputs * inputWeight + outputWeight(scriptLength) + change, 4n);
}

export const feeOf = (size: bigint, rate: bigint) => ceilOf(size * rate, 1000n);

/** The lesser of an absolute cap and so many millionths of the amount. */
export function feeCapOf(amount: bigint, cap: { readonly absolute: bigint; readonly partsPerMillion: bigint }): bigint {
  const share = (amount * cap.partsPerMillion) / 1_000_000n;
  return share < cap.absolute ? share : cap.absolute;
}

/**
 * The smallest single coin that suffices, else as few coins as possible. A rest that would be dust goes to the miner, as
 * long as the fee stays within its cap. The same coins give the same choice, in whatever order they come.
 */
export function selectCoins(coins: readonly Coin[], terms: PaymentTerms): CoinChoice | CoinRefusal {
  if (terms.amount < dustLimit) return 'amount_below_dust';
  const descending = [...coins].sort(byAmountDescending);
  const single = [...descending].reverse().map((coin) => choiceOf([coin], terms));
  const chosen = single.find((choice) => typeof choice !== 'string');
  if (chosen !== undefined) return chosen;
  let refusal: CoinRefusal = single.includes('fee_too_high') ? 'fee_too_high' : 'insufficient_funds';
  const inputs: Coin[] = [];
  for (const coin of descending) {
    if (BigInt(inputs.length) === inputsMax) break;
    inputs.push(coin);
    const choice = choiceOf([...inputs], terms);
    if (typeof choice !== 'string') return choice;
    if (choice === 'fee_too_high') refusal = choice;
  }
  return refusal;
}

function choiceOf(
  inputs: readonly Coin[],
  { amount, scriptLength, rate, feeCap }: PaymentTerms,
): CoinChoice | CoinRefusal {
  const count = BigInt(inputs.length);
  const sum = inputs.reduce((total, coin) => total + coin.amount, 0n);
  const feeWithChange = feeOf(sizeOf(count, scriptLength, true), rate);
  const change = sum - amount - feeWithChange;
  if (change >= dustLimit) return feeWithChange <= feeCap ? { inputs, change, fee: feeWithChange } : 'fee_too_high';
  const rest = sum - amount;
  if (rest < feeOf(sizeOf(count, scriptLength, false), rate)) return 'insufficient_funds';
  return rest <= feeCap ? { inputs, change: 0n, fee: rest } : 'fee_too_high';
}

/**
 * The same coins to the same recipient with a fee that replaces the one before (BIP-125 rules 3 and 4): what the rate asks
 * for, a quarter more than before, or as much as the cap allows. Undefined when the change or the cap do not allow it.
 */
export function raiseFee(before: CoinChoice, { scriptLength, rate, feeCap }: PaymentTerms): CoinChoice | undefined {
  const size = sizeOf(BigInt(before.inputs.length), scriptLength, before.change > 0n);
  const least = before.fee + feeOf(size, relayRate);
  const wanted = [feeOf(size, rate), ceilOf(before.fee * 5n, 4n)].reduce((a, b) => (a > b ? a : b), least);
  const available = before.fee + before.change;
  const limit = feeCap < available ? feeCap : available;
  if (limit < least) return undefined;
  const fee = wanted < limit ? wanted : limit;
  const change = available - fee;
  if (change === 0n || change >= dustLimit) return { inputs: before.inputs, change, fee };
  // What is left of the change would be dust: leave it all to the miner, or keep the least that is none.
  if (available <= feeCap) return { inputs: before.inputs, change: 0n, fee: available };
  const kept = available - dustLimit;
  return kept >= least ? { inputs: before.inputs, change: dustLimit, fee: kept } : undefined;
}

function byAmountDescending(a: Coin, b: Coin): number {
  if (a.amount !== b.amount) return a.amount > b.amount ? -1 : 1;
  if (a.txid !== b.txid) return a.txid < b.txid ? -1 : 1;
  return a.vout - b.vout;
}
