/** `npm run build:contracts`: compiles contracts/ into the artefact that is committed beside the code that uses it. */
const { join } = require('node:path');
const { compileContract, writeArtefact } = require('../../embedded/scripts/compile-contracts.cjs');

const compile = () => compileContract(join(__dirname, '../contracts/settlement.sol'), 'Settlement');

module.exports = { compile };

if (require.main === module) writeArtefact(join(__dirname, '../src/settlement.json'), compile());
