/** The bytes of Solana: base58, and as much of a transaction as tells who signs, pays and is touched. */
const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

export function base58(bytes: Uint8Array): string {
  let digits = '';
  for (let rest = BigInt(`0x0${Buffer.from(bytes).toString('hex')}`); rest > 0n; rest /= 58n)
    digits = alphabet[Number(rest % 58n)] + digits;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return '1'.repeat(zeros === -1 ? bytes.length : zeros) + digits;
}

export type WireTransaction = {
  readonly bytes: Uint8Array;
  readonly message: Uint8Array;
  readonly signatures: readonly Uint8Array[];
  /** The message's own keys; those of lookup tables are not among them. */
  readonly keys: readonly string[];
  readonly signers: number;
  readonly recentBlockhash: string;
  isWritable(place: number): boolean;
};

/** Legacy and version 0, as in solana.com/docs/core/transactions. */
export function readTransaction(bytes: Uint8Array): WireTransaction {
  let at = 0;
  const count = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
  };
  const take = (length: number) => bytes.subarray(at, (at += length));
  const signatures = Array.from({ length: count() }, () => take(64));
  const message = bytes.subarray(at);
  if ((bytes[at]! & 0x80) !== 0) at++;
  const [signers, readonlySigners, readonlyOthers] = take(3);
  const keys = Array.from({ length: count() }, () => base58(take(32)));
  const recentBlockhash = base58(take(32));
  return {
    bytes,
    message,
    recentBlockhash,
    signatures,
    keys,
    signers: signers!,
    isWritable: (place) =>
      place < signers! ? place < signers! - readonlySigners! : place < keys.length - readonlyOthers!,
  };
}

export type TokenAccount = { readonly mint: string; readonly owner: string; readonly amount: bigint };

const tokenAccountLength = 165;

/** The account of a token program that holds tokens; undefined for a mint. */
export function readTokenAccount(data: Uint8Array): TokenAccount | undefined {
  if (data.length < tokenAccountLength) return undefined;
  const bytes = Buffer.from(data);
  return {
    mint: base58(bytes.subarray(0, 32)),
    owner: base58(bytes.subarray(32, 64)),
    amount: bytes.readBigUInt64LE(64),
  };
}
