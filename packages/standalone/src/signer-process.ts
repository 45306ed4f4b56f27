/**
 * The signer beside the services: a process of its own, because a process can read its own memory, and the keys are not
 * for this one. It ends with this one, however that ends; when it ends by itself it is started again.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Component, Logger } from '@daybook/runtime';
import { signerProgram } from '@daybook/signer';
import type { EvmPlace } from './evm-node';

const startTimeoutMs = 30_000;
const stopTimeoutMs = 10_000;
const restartMs = 500;
const restartMsMax = 30_000;
/** Of money that is worth nothing: wide enough for every example, and there. */
const caps = { SEND_CAPS: 'ETH=100/1000,USDT_ERC20=100000/1000000', FEE_CAPS: 'ETH=0.1/10' };

export type SignerSecrets = { readonly signerToken: string; readonly signerPassword: string };

export function signerProcess(options: {
  readonly home: string;
  readonly secrets: () => SignerSecrets;
  readonly evm: () => EvmPlace;
  readonly chainId: number;
  readonly logLevel: string;
  readonly logger: Logger;
  /** Where it listens, for as long as this process lives. */
  readonly announce: (url: string) => void;
}): Component {
  const { logger } = options;
  /** Chosen by the system at the first start, and kept: those who ask it know where it is. */
  let port = '0';
  let child: ChildProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let delayMs = restartMs;
  let wanted = false;

  function settings(): Record<string, string> {
    const { signerToken, signerPassword } = options.secrets();
    const { usdtContract, settlementContract } = options.evm();
    return {
      HTTP_PORT: port,
      SIGNER_TOKEN: signerToken,
      SIGNER_DIRECTORY: join(options.home, 'signer'),
      KEYSTORE_PASSWORD: signerPassword,
      KEYSTORE_CREATE: 'true',
      ...caps,
      EVM_CHAIN_ID: String(options.chainId),
      EVM_USDT_CONTRACT: usdtContract,
      ...(settlementContract === undefined ? {} : { EVM_SETTLEMENT_CONTRACT: settlementContract }),
      LOG_LEVEL: options.logLevel,
    };
  }

  async function launch(): Promise<void> {
    // Not in the group of this process: what is typed at the terminal is for this process to pass on.
    const started = fork(signerProgram, {
      env: { PATH: process.env['PATH'], ...settings() },
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [],
    });
    child = started;
    started.once('exit', (code, signal) => {
      if (child === started) child = undefined;
      if (!wanted) return;
      logger.error({ code, signal, afterMs: delayMs }, 'the signer ended and is started again');
      restart = setTimeout(() => void launch().catch(() => undefined), delayMs);
      delayMs = Math.min(2 * delayMs, restartMsMax);
    });
    const url = await untilListening(started);
    ({ port } = new URL(url));
    delayMs = restartMs;
    options.announce(url);
  }

  return {
    name: 'signer',
    async start() {
      await launch();
      wanted = true;
    },
    async stop() {
      wanted = false;
      clearTimeout(restart);
      if (child === undefined) return;
      const ending = child;
      const ended = once(ending, 'exit');
      const timer = setTimeout(() => ending.kill('SIGKILL'), stopTimeoutMs);
      ending.kill('SIGTERM');
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Its base address. Rejects when it ends first: what was wrong stands in the log. */
async function untilListening(child: ChildProcess): Promise<string> {
  const waiting = new AbortController();
  const timer = setTimeout(() => child.kill('SIGKILL'), startTimeoutMs);
  const { signal } = waiting;
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]) => (message as { url: string }).url),
      once(child, 'exit', { signal }).then(([code, by]) => {
        throw new Error(`the signer ended with ${code ?? by} before it listened`);
      }),
    ]);
  } finally {
    clearTimeout(timer);
    waiting.abort();
  }
}
