/** `npm run deploy`: puts the contract on the chain of RPC_URL, paid by the key in the file DEPLOYER_KEY_FILE. */
const { readFileSync } = require('node:fs');
const { deploySettlement } = require('../dist/index.js');

async function main() {
  const { RPC_URL: rpcUrl, DEPLOYER_KEY_FILE: keyFile } = process.env;
  if (!rpcUrl || !keyFile) throw new Error('set RPC_URL, and DEPLOYER_KEY_FILE to a file with a private key');
  const { address, isNew } = await deploySettlement({ rpcUrl, privateKey: readFileSync(keyFile, 'utf8').trim() });
  process.stdout.write(`${address} ${isNew ? 'is deployed' : 'was there already'}\n`);
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
