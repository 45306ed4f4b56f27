/** `npm run build:contracts`: compiles contracts/ into the artefact that is committed beside the code that uses it. */
const { readFileSync, writeFileSync } = require('node:fs');
const { basename, join } = require('node:path');

/** The same source and compiler give the same bytes: no metadata hash, a fixed EVM version. */
function compileContract(source, contract) {
  const solc = require('solc');
  const name = basename(source);
  const input = {
    language: 'Solidity',
    sources: { [name]: { content: readFileSync(source, 'utf8') } },
    settings: {
      evmVersion: 'paris',
      optimizer: { enabled: true, runs: 200 },
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).map((error) => error.formattedMessage);
  if (errors.length > 0) throw new Error(errors.join('\n'));
  const { abi, evm } = output.contracts[name][contract];
  return { contract, compiler: solc.version(), abi, bytecode: `0x${evm.bytecode.object}` };
}

function writeArtefact(file, artefact) {
  writeFileSync(file, `${JSON.stringify(artefact, undefined, 2)}\n`);
}

const compile = () => compileContract(join(__dirname, '../contracts/sandbox-usdt.sol'), 'SandboxUsdt');

module.exports = { compile, compileContract, writeArtefact };

if (require.main === module) writeArtefact(join(__dirname, '../src/sandbox-usdt.json'), compile());
