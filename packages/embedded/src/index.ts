export { EmbeddedServerError, type EmbeddedServer } from './embedded-server';
export { embeddedEvmNode, sandboxMnemonic } from './embedded-evm-node';
export { embeddedPostgres } from './embedded-postgres';
export { deploySandboxUsdt, mintSandboxUsdt, payFromFaucet, sandboxDeployerKey } from './sandbox-usdt';
