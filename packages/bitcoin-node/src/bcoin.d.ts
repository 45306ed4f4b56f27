/** What is used of bcoin 1.0.2, which brings no types. Amounts are numbers of satoshis. */
declare module 'bcoin' {
  export type Entry = { readonly hash: string; readonly height: number; rhash(): string };
  export type Address = { readonly type: number };
  export class Script {
    static fromRaw(bytes: Uint8Array): Script;
  }
  export class KeyRing {
    static generate(network: string): KeyRing;
    getAddress(): Address;
  }
  export class Coin {
    static fromTX(tx: TX, index: number, height: number): Coin;
  }
  export class TX {
    readonly outputs: readonly { readonly value: number }[];
    txid(): string;
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
    readonly mempool: { reset(): Promise<void> };
    readonly http: { open: () => Promise<void>; close: () => Promise<void> };
    readonly miner: { addAddress(address: Address): void; readonly cpu: { createJob(): Promise<Job> } };
    readonly rpc: { execute(call: { readonly method: string; readonly params: readonly unknown[] }): Promise<unknown> };
    open(): Promise<void>;
    close(): Promise<void>;
  }
}
