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

type Options = {
  readonly home: string;
  readonly secrets: () => SignerSecrets;
  readonly evm: () => EvmPlace;
  readonly chainId: number;
  readonly logLevel: string;
  readonly logger: Logger;
  /** The signer's, unless a test brings another. */
  readonly program?: string;
  /** Where it listens, for as long as this process lives. */
  readonly announce: (url: string) => void;
};

export function signerProcess(options: Options): Component {
  const { logger } = options;
  /** Chosen by the system at the first start, and kept: those who ask it know where it is. */
  let port = '0';
  let child: ChildProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let delayMs = restartMs;
  let wanted = false;

  async function launch(): Promise<void> {
    // Not in the group of this process: what is typed at the terminal is for this process to pass on.
    const started = fork(options.program ?? signerProgram, {
      env: { PATH: process.env['PATH'], ...settingsOf(options, port) },
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [],
    });
    child = started;
    const over = (reason: object) => {
      child = undefined;
      again(reason);
    };
    started.once('exit', (code, signal) => over({ code, signal }));
    started.on('error', (error) => {
      // One that is no process has no exit; what else is an error here happens to one that lives on.
      if (started.pid === undefined) over({ error });
    });
    const url = await untilListening(started);
    ({ port } = new URL(url));
    delayMs = restartMs;
    options.announce(url);
  }

  function again(reason: object): void {
    if (!wanted) return;
    logger.error({ ...reason, afterMs: delayMs }, 'the signer ended and is started again');
    restart = setTimeout(() => {
      restart = undefined;
      launch().catch((error: unknown) => {
        // What keeps it from listening ends it, which has been seen to; where there is no process, nothing has.
        if (child === undefined && restart === undefined) again({ error });
      });
    }, delayMs);
    delayMs = Math.min(2 * delayMs, restartMsMax);
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

function settingsOf({ home, secrets, evm, chainId, logLevel }: Options, port: string): Record<string, string> {
  const { signerToken, signerPassword } = secrets();
  const { usdtContract, settlementContract } = evm();
  return {
    HTTP_PORT: port,
    SIGNER_TOKEN: signerToken,
    SIGNER_DIRECTORY: join(home, 'signer'),
    KEYSTORE_PASSWORD: signerPassword,
    KEYSTORE_CREATE: 'true',
    ...caps,
    EVM_CHAIN_ID: String(chainId),
    EVM_USDT_CONTRACT: usdtContract,
    ...(settlementContract === undefined ? {} : { EVM_SETTLEMENT_CONTRACT: settlementContract }),
    LOG_LEVEL: logLevel,
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
