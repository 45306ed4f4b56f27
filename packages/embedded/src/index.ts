export { EmbeddedServerError, type EmbeddedServer } from './embedded-server';
export { embeddedEvmNode, sandboxMnemonic } from './embedded-evm-node';
export { embeddedPostgres } from './embedded-postgres';
export { freePort } from './free-port';
export { callNode } from './json-rpc';
export { sandboxDeployerKey } from './sandbox-accounts';
export { deploySandboxUsdt, mintSandboxUsdt, payFromFaucet } from './sandbox-usdt';
export { payWavering, type SandboxBlock } from './wavering-payment';
