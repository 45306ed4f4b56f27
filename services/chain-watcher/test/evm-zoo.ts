/**
 * Contracts that pay, or only seem to: a token that misbehaves in every way that tokens do when it is told to, tokens that
 * look like it, and callers that fail at every depth. After d-xo/weird-erc20, and hazards that exchanges have paid for.
 */
import { Interface } from 'ethers';
import solc from 'solc';
import type { AnvilChain } from './anvil-chain';

const source = `
  // SPDX-License-Identifier: Apache-2.0
  pragma solidity ^0.8.20;
  contract ZooToken {
    string public name; string public symbol; uint8 public decimals = 6;
    bool public paused; bool public falsy; uint256 public scale = 1;
    mapping(address => uint256) shares; mapping(address => bool) public blocked;
    event Transfer(address indexed from, address indexed to, uint256 amount);
    event Sent(address indexed operator, address indexed from, address indexed to, uint256 amount, bytes a, bytes b);
    constructor(string memory n, string memory s) { name = n; symbol = s; shares[msg.sender] = 1e30; }
    function balanceOf(address a) public view returns (uint256) { return shares[a] * scale; }
    function set(uint8 d, bool p, bool f, uint256 s) external { decimals = d; paused = p; falsy = f; scale = s; }
    function setBlocked(address a, bool b) external { blocked[a] = b; }
    function move(address from, address to, uint256 amount) internal {
      shares[from] -= amount / scale; shares[to] += amount / scale;
      emit Transfer(from, to, amount);
    }
    function transfer(address to, uint256 amount) external returns (bool) {
      if (falsy) return false;
      require(!paused && !blocked[to], "no");
      move(msg.sender, to, amount);
      return true;
    }
    /** As USDT and BNB: answers with nothing. */
    function transferWithoutAnswer(address to, uint256 amount) external { move(msg.sender, to, amount); }
    /** As an ERC-777. */
    function send(address to, uint256 amount) external {
      emit Sent(msg.sender, msg.sender, to, amount, "", "");
      move(msg.sender, to, amount);
    }
    /** The fee leaves the sender with a log of its own. */
    function transferWithLoggedFee(address to, uint256 amount, address collector) external {
      move(msg.sender, to, amount - amount / 10);
      move(msg.sender, collector, amount / 10);
    }
    /** Minted to an address and taken back before the transaction ends. */
    function flash(address to, uint256 amount) external {
      shares[to] += amount; emit Transfer(address(0), to, amount);
      shares[to] -= amount; emit Transfer(to, address(0), amount);
    }
    /** Says more than it does. */
    function boast(address to, uint256 amount) external { emit Transfer(msg.sender, to, amount); }
    /** Anybody may move nothing of anybody's. */
    function poison(address of_, uint256 times) external {
      for (uint256 i = 0; i < times; i++) {
        emit Transfer(of_, address(uint160(0xdead0000) + uint160(i)), 0);
        emit Transfer(address(uint160(0xdead0000) + uint160(i)), of_, 0);
      }
    }
    /** Transfer events of other shapes: by topics, and by words of data. */
    function raw(bytes32[] calldata topics, bytes calldata data) external {
      bytes memory copy = data;
      bytes32[] memory t = topics;
      assembly {
        let at := add(copy, 32)
        let length := mload(copy)
        switch mload(t)
        case 0 { log0(at, length) }
        case 1 { log1(at, length, mload(add(t, 32))) }
        case 2 { log2(at, length, mload(add(t, 32)), mload(add(t, 64))) }
        case 3 { log3(at, length, mload(add(t, 32)), mload(add(t, 64)), mload(add(t, 96))) }
        default { log4(at, length, mload(add(t, 32)), mload(add(t, 64)), mload(add(t, 96)), mload(add(t, 128))) }
      }
    }
  }
  /** Runs the code of the real token in its own place. */
  contract Proxy {
    address immutable code; mapping(address => uint256) shares; uint256 gap;
    constructor(address c) { code = c; }
    fallback() external payable {
      (bool ok, bytes memory answer) = code.delegatecall(msg.data);
      require(ok, string(answer));
    }
  }
  contract Forger {
    event Transfer(address indexed from, address indexed to, uint256 amount);
    function forge(address to, uint256 times) external {
      for (uint256 i = 0; i < times; i++) emit Transfer(msg.sender, to, 1e6 + i);
    }
  }
  contract Failing {
    function pay(ZooToken token, address payable to, uint256 depth, bool caught, bool burn) public payable {
      if (depth > 0) {
        if (!caught) return this.pay{value: msg.value}(token, to, depth - 1, false, burn);
        try this.pay{value: msg.value}(token, to, depth - 1, false, burn) {} catch {}
        return;
      }
      token.transfer(to, 5);
      if (msg.value > 0) to.transfer(msg.value);
      if (burn) while (true) {}
      revert("no");
    }
    function many(ZooToken token, address[] calldata to, uint256[] calldata amounts) external {
      for (uint256 i = 0; i < to.length; i++) token.transfer(to[i], amounts[i]);
    }
    receive() external payable {}
  }
  contract Will {
    constructor(address payable heir) payable { selfdestruct(heir); }
  }
  contract Forward {
    function forward(address payable to) external payable { to.transfer(msg.value); }
  }`;

export const zooToken = new Interface([
  'constructor(string name, string symbol)',
  'function transfer(address to, uint256 amount) returns (bool)',
  'function transferWithoutAnswer(address to, uint256 amount)',
  'function send(address to, uint256 amount)',
  'function transferWithLoggedFee(address to, uint256 amount, address collector)',
  'function flash(address to, uint256 amount)',
  'function boast(address to, uint256 amount)',
  'function poison(address of, uint256 times)',
  'function raw(bytes32[] topics, bytes data)',
  'function set(uint8 decimals, bool paused, bool falsy, uint256 scale)',
  'function setBlocked(address who, bool blocked)',
]);
export const failing = new Interface([
  'function pay(address token, address to, uint256 depth, bool caught, bool burn) payable',
  'function many(address token, address[] to, uint256[] amounts)',
]);
export const forger = new Interface(['function forge(address to, uint256 times)']);
export const forward = new Interface(['function forward(address to) payable']);
const address = new Interface(['constructor(address of)']);

/** Names that a person would read as the pinned token's, or that do something where they are shown. */
const names: readonly (readonly [string, string])[] = [
  ['Tether USD', 'USDT'],
  ['Tether USD', 'UЅDТ'],
  ['Tether\u200b USD', 'USDT\u200b'],
  ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>'],
  ["'; drop table deposits_v1; --", '\r\nlevel=error'],
];

export type Zoo = Readonly<Record<'token' | 'forger' | 'failing' | 'forward' | 'proxy', string>> & {
  readonly lookAlikes: readonly string[];
  /** Pays ETH to the heir by ceasing to exist. */
  bequeath(heir: string, value: bigint): Promise<void>;
};

export async function deployZoo(chain: AnvilChain): Promise<Zoo> {
  const input = {
    language: 'Solidity',
    sources: { 'zoo.sol': { content: source } },
    settings: { outputSelection: { '*': { '*': ['evm.bytecode.object'] } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as {
    contracts?: Record<string, Record<string, { evm: { bytecode: { object: string } } }>>;
    errors?: { severity: string; formattedMessage: string }[];
  };
  const broken = output.errors?.find(({ severity }) => severity === 'error');
  if (broken) throw new Error(broken.formattedMessage);
  const code = (name: string) => `0x${output.contracts!['zoo.sol']![name]!.evm.bytecode.object}`;
  const deploy = async (name: string, parameters = '0x', value = 0n) =>
    (await chain.transact({ data: code(name) + parameters.slice(2), value })).contractAddress!;
  const tokenNamed = ([name, symbol]: readonly [string, string]) =>
    deploy('ZooToken', zooToken.encodeDeploy([name, symbol]));
  const token = await tokenNamed(names[0]!);
  const lookAlikes: string[] = [];
  for (const name of names) lookAlikes.push(await tokenNamed(name));
  return {
    token,
    lookAlikes,
    forger: await deploy('Forger'),
    failing: await deploy('Failing'),
    forward: await deploy('Forward'),
    proxy: await deploy('Proxy', address.encodeDeploy([token])),
    async bequeath(heir, value) {
      await deploy('Will', address.encodeDeploy([heir]), value);
    },
  };
}
