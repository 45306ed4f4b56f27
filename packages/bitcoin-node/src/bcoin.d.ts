/** What is used of bcoin 1.0.2, which brings no types. Amounts are numbers of satoshis. */
declare module 'bcoin' {
  export type Entry = { readonly hash: string; readonly height: number; rhash(): string };
  export type Address = { readonly type: number };
  export const Address: { fromString(address: string, network: string): Address };
  /** Parameters that are read whenever they are needed. */
  export const networks: {
    readonly regtest: {
      readonly deployments: { readonly segwit: { window: number; threshold: number } };
      readonly addressPrefix: { pubkeyhash: number; scripthash: number; bech32: string };
    };
  };
  export class Script {
    static fromRaw(bytes: Uint8Array): Script;
  }
  export class KeyRing {
    static generate(network: string): KeyRing;
    getAddress(): Address;
  }
  export class Coin {
    static fromTX(tx: TX, index: number, height: number): Coin;
    readonly index: number;
    readonly value: number;
    /** -1 in the memory pool. */
    readonly height: number;
    rhash(): string;
  }
  export type CoinView = { readonly map: ReadonlyMap<string, unknown> };
  export class TX {
    static fromRaw(bytes: Uint8Array): TX;
    readonly inputs: readonly {
      readonly prevout: { readonly hash: string; readonly index: number };
      readonly sequence: number;
    }[];
    readonly outputs: readonly { readonly value: number }[];
    txid(): string;
    hash(encoding: 'hex'): string;
    getVirtualSize(): number;
    getFee(view: CoinView): number;
    toRaw(): Buffer;
  }
  export type MempoolEntry = { readonly tx: TX; getFee(): number };
  export class Mempool {
    reset(): Promise<void>;
    /** Throws an error with type VerifyError and a reason; answers hashes that it does not know. */
    addTX(tx: TX): Promise<readonly string[] | null>;
    getCoinView(tx: TX): Promise<CoinView>;
    getEntry(hash: string): MempoolEntry | undefined;
    readonly map: ReadonlyMap<string, MempoolEntry>;
    getSpent(hash: string, index: number): MempoolEntry | undefined;
    evictEntry(entry: MempoolEntry): void;
  }
  export class MTX {
    addCoin(coin: Coin): void;
    addOutput(output: { readonly script: Script; readonly value: number }): void;
    sign(ring: KeyRing): number;
    toTX(): TX;
  }
  export class Block {
    readonly txs: readonly TX[];
    rhash(): string;
    toRaw(): Buffer;
  }
  export class Chain {
    readonly tip: Entry;
    readonly height: number;
    getEntry(hashOrHeight: number | string): Promise<Entry | null>;
    getBlock(hashOrHeight: number | string): Promise<Block | null>;
    add(block: Block): Promise<unknown>;
    reset(height: number): Promise<void>;
  }
  export type Job = { pushTX(tx: TX): void; refresh(): void; mineAsync(): Promise<Block> };
  export class FullNode {
    constructor(options: Readonly<Record<string, unknown>>);
    readonly chain: Chain;
    readonly mempool: Mempool;
    getCoinsByAddress(address: Address): Promise<readonly Coin[]>;
    getTX(hash: string): Promise<TX | null>;
    /** The height is -1 in the memory pool. */
    getMetaByAddress(address: Address): Promise<readonly { readonly tx: TX; readonly height: number }[]>;
    readonly http: { open: () => Promise<void>; close: () => Promise<void> };
    readonly miner: { addAddress(address: Address): void; readonly cpu: { createJob(): Promise<Job> } };
    readonly rpc: { execute(call: { readonly method: string; readonly params: readonly unknown[] }): Promise<unknown> };
    open(): Promise<void>;
    close(): Promise<void>;
  }
}
