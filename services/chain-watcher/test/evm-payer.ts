import { Interface } from 'ethers';
import solc from 'solc';
import type { AnvilChain } from './anvil-chain';

const source = `
  // SPDX-License-Identifier: Apache-2.0
  pragma solidity ^0.8.20;
  interface Token { function transfer(address to, uint256 amount) external returns (bool); }
  contract Payer {
    event Transfer(address indexed from, address indexed to, uint256 amount);
    function many(Token token, address[] calldata to, uint256[] calldata amounts) external {
      for (uint256 i = 0; i < to.length; i++) token.transfer(to[i], amounts[i]);
    }
    function reverting(Token token, address to, uint256 amount) public payable {
      token.transfer(to, amount);
      revert("no");
    }
    function caught(Token token, address to, uint256 amount) external payable {
      try this.reverting(token, to, amount) {} catch {}
    }
    function forward(address payable to) external payable { to.transfer(msg.value); }
    function both(Token one, Token two, address to, uint256 amount) external {
      one.transfer(to, amount);
      two.transfer(to, amount + 1);
    }
    function forge(address to, uint256 amount) external { emit Transfer(msg.sender, to, amount); }
  }
  contract FeeToken {
    uint8 public constant decimals = 6;
    string public constant symbol = "USDT";
    uint256 public fee;
    mapping(address => uint256) public balanceOf;
    event Transfer(address indexed from, address indexed to, uint256 amount);
    constructor() { balanceOf[msg.sender] = 1e30; }
    function setFee(uint256 percent) external { fee = percent; }
    function transfer(address to, uint256 amount) external returns (bool) {
      balanceOf[msg.sender] -= amount;
      balanceOf[to] += amount - amount * fee / 100;
      emit Transfer(msg.sender, to, amount);
      return true;
    }
  }
  contract OtherDecimals { function decimals() external pure returns (uint8) { return 18; } }`;

export const payer = new Interface([
  'function many(address token, address[] to, uint256[] amounts)',
  'function reverting(address token, address to, uint256 amount) payable',
  'function caught(address token, address to, uint256 amount) payable',
  'function forward(address to) payable',
  'function both(address one, address two, address to, uint256 amount)',
  'function forge(address to, uint256 amount)',
]);
export const erc20 = new Interface(['function transfer(address to, uint256 amount) returns (bool)']);
export const feeToken = new Interface(['function setFee(uint256 percent)']);

/** Contracts that pay in every way that a deposit may be faked. */
export async function deployPayers(
  chain: AnvilChain,
): Promise<{ payer: string; otherDecimals: string; token: string; lookAlike: string }> {
  const input = {
    language: 'Solidity',
    sources: { 'payer.sol': { content: source } },
    settings: { outputSelection: { '*': { '*': ['evm.bytecode.object'] } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as {
    contracts: Record<string, Record<string, { evm: { bytecode: { object: string } } }>>;
  };
  const deploy = async (name: string) => {
    const data = `0x${output.contracts['payer.sol']![name]!.evm.bytecode.object}`;
    return (await chain.transact({ data })).contractAddress!;
  };
  return {
    payer: await deploy('Payer'),
    otherDecimals: await deploy('OtherDecimals'),
    token: await deploy('FeeToken'),
    lookAlike: await deploy('FeeToken'),
  };
}
