/** `npm run deploy`: puts the contract on the chain of RPC_URL, paid by the key in the file DEPLOYER_KEY_FILE. */
const { readFileSync } = require('node:fs');
const { resolve } = require('node:path');
const { deploySettlement } = require('../dist/index.js');

async function main() {
  // npm runs this in the package's directory; INIT_CWD is the caller's.
  const { RPC_URL: rpcUrl, DEPLOYER_KEY_FILE: keyFile, INIT_CWD: cwd = '.' } = process.env;
  if (!rpcUrl || !keyFile) throw new Error('set RPC_URL, and DEPLOYER_KEY_FILE to a file with a private key');
  const privateKey = readFileSync(resolve(cwd, keyFile), 'utf8').trim();
  const { address, isNew } = await deploySettlement({ rpcUrl, privateKey });
  process.stdout.write(`${address} ${isNew ? 'is deployed' : 'was there already'}\n`);
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
