import { assets, type AssetCode } from '@daybook/money';
import { Secret } from '@daybook/runtime';
import { createService, loadConfig, signerClient, signRequest, type Family, type Signer } from '@daybook/signer';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Prepared, SendWallet } from '../src/ports';
import type { SignedBytes } from './send-test-chain';

const token = 'a token that only this test knows';

export type TestSigner = {
  readonly wallet: SendWallet;
  sign(sendId: string, transaction: Prepared['transaction']): Promise<SignedBytes>;
  /** As somebody who has the same key signs, and knows nothing of what was signed here. */
  signElsewhere(transaction: Prepared['transaction']): Promise<SignedBytes>;
  stop(): Promise<void>;
};

type Settings = Readonly<Record<string, string>>;

/** A real signer with a keystore of its own, over HTTP, and the first wallet of a family. */
export async function testSigner(family: Family, native: AssetCode, env: Settings): Promise<TestSigner> {
  const directory = mkdtempSync(join(tmpdir(), 'daybook-signer-'));
  const caps = capsOf(Object.keys(assets) as AssetCode[]);
  const settings = { ...env, SEND_CAPS: caps, FEE_CAPS: capsOf([native]) };
  const [here, elsewhere] = [join(directory, 'here'), join(directory, 'elsewhere')];
  const signer = await running(here, settings);
  cpSync(here, elsewhere, { recursive: true });
  const stops = [signer.stop];
  const { address, publicKey } = await signer.client.walletOf({ family, index: 0 });

  async function signature(client: Signer, sendId: string, transaction: Prepared['transaction']): Promise<SignedBytes> {
    const outcome = await client.sign(z.decode(signRequest, { sendId, index: 0, family, transaction } as never));
    if (!outcome.ok) throw new Error(`the signer refuses: ${outcome.refusal}`);
    return outcome.value;
  }
  return {
    wallet: { walletId: 'wallet', family, index: 0, address, publicKey },
    sign: (sendId, transaction) => signature(signer.client, sendId, transaction),
    async signElsewhere(transaction) {
      const other = await running(elsewhere, settings);
      stops.push(other.stop);
      return signature(other.client, 'elsewhere', transaction);
    },
    async stop() {
      await Promise.all(stops.map((stop) => stop()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function capsOf(codes: readonly AssetCode[]): string {
  return codes.map((asset) => `${asset}=1000000/1000000`).join();
}

async function running(directory: string, settings: Settings) {
  const config = loadConfig({
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: '0',
    SIGNER_TOKEN: token,
    SIGNER_DIRECTORY: directory,
    KEYSTORE_PASSWORD: 'a password of this test',
    KEYSTORE_CREATE: 'true',
    LOG_LEVEL: 'error',
    ...settings,
  });
  const onFatal = (error: unknown) => {
    throw error;
  };
  const service = createService(config, { onFatal });
  const { url } = (await service.start()) as { readonly url: string };
  return { client: signerClient({ url, token: new Secret(token) }), stop: () => service.stop() };
}
