/** `npm run build:contracts`: compiles contracts/ into the artefact that is committed beside the code that uses it. */
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const source = join(__dirname, '../contracts/sandbox-usdt.sol');
const artefact = join(__dirname, '../src/sandbox-usdt.json');

/** The same source and compiler give the same bytes: no metadata hash, a fixed EVM version. */
function compile() {
  const solc = require('solc');
  const input = {
    language: 'Solidity',
    sources: { 'sandbox-usdt.sol': { content: readFileSync(source, 'utf8') } },
    settings: {
      evmVersion: 'paris',
      optimizer: { enabled: true, runs: 200 },
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).map((error) => error.formattedMessage);
  if (errors.length > 0) throw new Error(errors.join('\n'));
  const { abi, evm } = output.contracts['sandbox-usdt.sol'].SandboxUsdt;
  return { contract: 'SandboxUsdt', compiler: solc.version(), abi, bytecode: `0x${evm.bytecode.object}` };
}

module.exports = { compile };

if (require.main === module) writeFileSync(artefact, `${JSON.stringify(compile(), undefined, 2)}\n`);
