/** What the coin of an EVM chain is: ETH on few of them. A chain that is not listed has no coin that is one of our assets. */

/** Chain ids whose gas is paid in ETH (ethereum-lists/chains), test networks and development nodes included. */
const chainsOfEther: readonly number[] = [
  1, // Ethereum
  10, // OP Mainnet
  8_453, // Base
  42_161, // Arbitrum One
  59_144, // Linea
  534_352, // Scroll
  17_000, // Holesky
  560_048, // Hoodi
  11_155_111, // Sepolia
  11_155_420, // OP Sepolia
  84_532, // Base Sepolia
  421_614, // Arbitrum Sepolia
  1_337, // development
  31_337, // development
];

export const evmNatives = ['ETH', 'none'] as const;
export type EvmNative = (typeof evmNatives)[number];

export const evmNativeOf = (chainId: number): EvmNative => (chainsOfEther.includes(chainId) ? 'ETH' : 'none');
