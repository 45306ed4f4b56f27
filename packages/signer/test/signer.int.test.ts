import { isOperationalError } from '@daybook/core';
import { Secret, type Service } from '@daybook/runtime';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signerClient } from '../src/client';
import { loadConfig } from '../src/config';
import { keyCeremony } from '../src/keystore-main';
import type { Signer, SignRequest } from '../src/protocol';
import { createService } from '../src/service';
import { alice, ethSend, password, phrase, settings, settlementContract, token, usdt } from './rig';

const homes: string[] = [];
const running: Service[] = [];
const faults: unknown[] = [];
const home = () => {
  const directory = mkdtempSync(join(tmpdir(), 'daybook-signer-'));
  homes.push(directory);
  return join(directory, 'signer');
};
afterAll(async () => {
  await Promise.all(running.map((service) => service.stop()));
  for (const directory of homes) rmSync(directory, { recursive: true, force: true });
  expect(faults).toEqual([]);
});

type Started = { readonly url: string; readonly client: Signer; stop(): Promise<void> };

async function start(directory: string, more: Readonly<Record<string, string>> = {}): Promise<Started> {
  const service = createService(loadConfig(settings(directory, more)), { onFatal: (error) => faults.push(error) });
  running.push(service);
  const { url } = await service.start();
  return { url, client: signerClient({ url, token }), stop: () => service.stop() };
}

const journalOf = (directory: string) => readFileSync(join(directory, 'signatures.log'), 'utf8');
const signaturesIn = (directory: string) => journalOf(directory).split('\n').length - 2;

describe('the keystore', () => {
  const directory = home();
  let address: string;

  test('is made at the first start, for its owner alone, and tells nothing of its key', async () => {
    const signer = await start(directory);
    ({ address } = await signer.client.walletOf({ family: 'evm', index: 0 }));
    await signer.client.sign(ethSend('a', 0));
    await signer.stop();
    expect((statSync(directory).mode & 0o777).toString(8)).toBe('700');
    expect(readdirSync(directory).toSorted()).toEqual(['keystore.json', 'signatures.log']);
    for (const file of readdirSync(directory))
      expect((statSync(join(directory, file)).mode & 0o777).toString(8)).toBe('600');
    const keystore = readFileSync(join(directory, 'keystore.json'), 'utf8');
    expect(Object.keys(JSON.parse(keystore) as object)).toEqual(['format', 'keyId', 'kdf', 'cipher', 'sealed']);
    expect(keystore).not.toContain(password.reveal());
  });

  test('is kept: the next start has the same wallets, and no other is made beside it', async () => {
    const before = readFileSync(join(directory, 'keystore.json'), 'utf8');
    const signer = await start(directory);
    await expect(signer.client.walletOf({ family: 'evm', index: 0 })).resolves.toMatchObject({ address });
    await signer.stop();
    expect(readFileSync(join(directory, 'keystore.json'), 'utf8')).toBe(before);
  });

  test('is not opened with another password', async () => {
    await expect(start(directory, { KEYSTORE_PASSWORD: 'another password' })).rejects.toThrow('the password is not');
  });

  test('is not made unless a start may make it', async () => {
    await expect(start(home(), { KEYSTORE_CREATE: 'false' })).rejects.toThrow('is not there');
  });

  const withChanged = async (file: string, change: (text: string) => string | undefined) => {
    const path = join(directory, file);
    const text = readFileSync(path, 'utf8');
    const changed = change(text);
    if (changed === undefined) rmSync(path);
    else writeFileSync(path, changed);
    const outcome = await start(directory).then(
      () => 'started',
      (error: unknown) => (error as Error).message,
    );
    writeFileSync(path, text, { mode: 0o600 });
    chmodSync(path, 0o600);
    return outcome;
  };

  test.each<[string, string, (text: string) => string | undefined, string]>([
    ['a keystore that was changed', 'keystore.json', (text) => text.replace(/"n": \d+/, '"n": 16384'), 'was changed'],
    ['a keystore that is no JSON', 'keystore.json', () => '{', 'is damaged'],
    ['a keystore without its journal', 'signatures.log', () => undefined, 'nothing says what was signed'],
    ['a journal without its header', 'signatures.log', () => '', 'no header'],
    ['a journal whose line was changed', 'signatures.log', (text) => text.replace('"at":1', '"at":2'), 'was changed'],
    ['a journal whose line is gone', 'signatures.log', (text) => text.split('\n').slice(1).join('\n'), 'was changed'],
  ])('%s stops the start', async (_what, file, change, message) => {
    expect(await withChanged(file, change)).toContain(message);
  });

  test('files that others can read stop the start', async () => {
    chmodSync(join(directory, 'keystore.json'), 0o644);
    await expect(start(directory)).rejects.toThrow('can be read by others');
    chmodSync(join(directory, 'keystore.json'), 0o600);
  });

  test('a line that a crash has left without an end was never answered, and is cut off', async () => {
    const whole = journalOf(directory);
    writeFileSync(join(directory, 'signatures.log'), `${whole}0123 {"at":17`);
    const signer = await start(directory);
    expect(journalOf(directory)).toBe(whole);
    expect((await signer.client.sign(ethSend('b', 1))).ok).toBe(true);
    await signer.stop();
    expect(signaturesIn(directory)).toBe(2);
  });
});

describe('the key ceremony', () => {
  const ceremony = async (args: readonly string[], words = '') => {
    const printed: string[] = [];
    const env = { KEYSTORE_PASSWORD: password.reveal() };
    const code = await keyCeremony({ args, env, words: async () => words, print: (line) => printed.push(line) });
    return { code, printed: printed.join('') };
  };

  test('takes words, so that their wallets are known, and never replaces a keystore', async () => {
    const directory = home();
    expect(await ceremony([directory, '--import'], `${phrase}er`)).toMatchObject({ code: 1 });
    // Typed as people type: the key is that of the words.
    const typed = `  ${phrase.replace(/^test/, 'Test').replace('junk', 'JUNK').replace(' ', '\n \u00a0')}\n`;
    expect(await ceremony([directory, '--import'], typed)).toMatchObject({ code: 0 });
    const signer = await start(directory, { KEYSTORE_CREATE: 'false' });
    const { address } = await signer.client.walletOf({ family: 'evm', index: 1 });
    expect(address).toBe(alice);
    expect(await ceremony([directory])).toMatchObject({ code: 1, printed: expect.stringContaining('never replaced') });
  });

  test('shows the words of a new key once', async () => {
    const { code, printed } = await ceremony([home()]);
    expect(code).toBe(0);
    expect(printed.trim().split('\n').at(-1)?.split(' ')).toHaveLength(24);
    expect(await ceremony([])).toMatchObject({ code: 64 });
  });
});

describe('who holds the token', () => {
  const directory = home();
  let signer: Started;
  beforeAll(async () => {
    signer = await start(directory, { SEND_RECIPIENTS: `${alice}, 0x${'12'.repeat(20)}` });
  });

  const post = (path: string, body: string, authorization = `Bearer ${token.reveal()}`) =>
    fetch(signer.url + path, { method: 'POST', headers: { 'content-type': 'application/json', authorization }, body });

  test.each([
    '',
    'Bearer',
    `Bearer ${'x'.repeat(40)}`,
    `Basic ${token.reveal()}`,
    `Bearer ${token.reveal()} `.repeat(2),
  ])('nobody without it gets an answer: %p', async (authorization) => {
    for (const path of ['/v1/wallets', '/v1/signatures', '/v1/signed', '/v1/anything']) {
      expect((await post(path, '{"not json', authorization)).status).toBe(401);
    }
  });

  test('bodies are bounded, and exactly of the protocol', async () => {
    const good = JSON.stringify({ family: 'evm', index: 0 });
    expect((await post('/v1/wallets', good)).status).toBe(200);
    expect((await post('/v1/wallets', good + ' '.repeat(65_536))).status).toBe(413);
    expect((await post('/v1/wallets', '{"family":"evm"')).status).toBe(400);
    expect((await post('/v1/wallets', '{"family":"evm","index":0,"path":"m/0"}')).status).toBe(400);
    expect((await post('/v1/wallets', '{"family":"evm","index":-1}')).status).toBe(400);
    for (const path of ['/v1/sign', '/v1/keys', '/v1/seed']) expect((await post(path, '{}')).status).toBe(404);
    expect((await fetch(`${signer.url}/readyz`)).status).toBe(200);
  });

  test('a repeat has the same bytes and is recorded once; a higher fee on the same nonce is a second transaction', async () => {
    const request = ethSend('send-1', 0);
    const [one, two] = await Promise.all([signer.client.sign(request), signer.client.sign(request)]);
    expect(one.ok).toBe(true);
    expect(two).toEqual(one);
    expect(signaturesIn(directory)).toBe(1);
    const bumped = await signer.client.sign(ethSend('send-1', 0, { maxFeePerGas: 3_000_000_000n }));
    expect(bumped.ok).toBe(true);
    expect(bumped).not.toEqual(one);
    expect(await signer.client.sign(request)).toEqual(one);
    expect(signaturesIn(directory)).toBe(2);
  });

  test('what was signed is known after a restart, and so is what it used up', async () => {
    const before = await signer.client.sign(ethSend('send-1', 0));
    await signer.stop();
    signer = await start(directory, { SEND_RECIPIENTS: alice });
    expect(await signer.client.sign(ethSend('send-1', 0))).toEqual(before);
    const refused = async (request: SignRequest) => {
      const outcome = await signer.client.sign(request);
      return outcome.ok ? 'signed' : outcome.refusal;
    };
    expect(await refused(ethSend('send-2', 0))).toBe('slot_taken');
    expect(await refused(ethSend('send-1', 1))).toBe('send_exists_with_different_fields');
  });

  test('of two sends that ask for one nonce at once, one is signed', async () => {
    const asked = Array.from({ length: 20 }, (_, at) => signer.client.sign(ethSend(`race-${at}`, 50)));
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
  });

  // G27: the application is in other hands, and its token with it.
  const eth = 10n ** 18n;
  const mallory = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
  const settle = {
    type: 'settlement',
    contract: mallory,
    settlementId: `0x${'1'.repeat(64)}`,
    to: alice,
    amount: 1n,
  } as const;
  const forbidden: [string, (at: number) => SignRequest][] = [
    ['recipient_not_allowed', (at) => ethSend(`x${at}`, 100 + at, { to: mallory })],
    ['amount_above_send_cap', (at) => ethSend(`x${at}`, 100 + at, { amount: eth + 1n + BigInt(at) })],
    ['fee_above_send_cap', (at) => ethSend(`x${at}`, 100 + at, { maxFeePerGas: 10n ** 15n + BigInt(at) })],
    ['slot_taken', (at) => ethSend(`x${at}`, 0)],
    ['send_exists_with_different_fields', (at) => ethSend('send-1', 100 + at)],
    ['chain_not_allowed', (at) => ethSend(`x${at}`, 100 + at, { chainId: 1 })],
    ['contract_not_allowed', (at) => ethSend(`x${at}`, 100 + at, { payment: settle })],
    [
      'contract_not_allowed',
      (at) =>
        ethSend(`x${at}`, 100 + at, { payment: { type: 'erc20', token: settlementContract, to: alice, amount: 1n } }),
    ],
    [
      'transaction_invalid',
      (at) => ethSend(`x${at}`, 100 + at, { payment: { type: 'erc20', token: usdt, to: usdt, amount: 1n } }),
    ],
    ['replacement_not_possible', (at) => ethSend('send-1', 0, { maxFeePerGas: 1_000_000_000n + BigInt(at) })],
  ];
  test('G27: a hundred requests that are forbidden are a hundred refusals, and nothing is signed', async () => {
    const before = signaturesIn(directory);
    for (const [refusal, request] of forbidden) {
      for (let at = 0; at < 10; at++) expect(await signer.client.sign(request(at))).toEqual({ ok: false, refusal });
    }
    // What is no payment at all: bytes, messages, calls of a contract, a contract's code.
    for (const smuggled of [
      { data: '0xdeadbeef' },
      { bytes: '02f8' },
      { message: 'hello' },
      { to: null },
      { accessList: [] },
      { payment: { type: 'call', to: alice, data: '0x' } },
      { payment: { type: 'native', to: alice, amount: '1', data: '0x' } },
    ]) {
      const { transaction, ...request } = ethSend('x', 100);
      const digits = { gasLimit: '21000', maxFeePerGas: '1', maxPriorityFeePerGas: '0' };
      const payment = { type: 'native', to: alice, amount: '1' };
      const wire = { ...request, transaction: { ...transaction, ...digits, payment, ...smuggled } };
      expect([smuggled, (await post('/v1/signatures', JSON.stringify(wire))).status]).toEqual([smuggled, 400]);
    }
    expect(signaturesIn(directory)).toBe(before);
    expect(await (await fetch(`${signer.url}/metrics`)).text()).toMatch(
      /signer_refusals_total\{refusal="slot_taken".* \d+/,
    );
  });

  test('a token in other hands gets no more than a day allows, however many sends it makes up', async () => {
    let signed = 0n;
    for (let at = 0; at < 30; at++) {
      const amount = eth / 7n;
      if ((await signer.client.sign(ethSend(`drain-${at}`, 200 + at, { amount }))).ok) signed += amount;
    }
    expect(signed).toBeGreaterThan(eth);
    expect(signed).toBeLessThanOrEqual(2n * eth);
  });

  test('no answer is no outcome: the client throws what may be asked again', async () => {
    await signer.stop();
    const error: unknown = await signer.client.sign(ethSend('z', 900)).catch((caught: unknown) => caught);
    expect(isOperationalError(error) && [error.code, error.retryable]).toEqual(['upstream_unavailable', true]);
    const stranger = signerClient({ url: signer.url, token: new Secret('x'.repeat(40)) });
    await expect(stranger.walletOf({ family: 'evm', index: 0 })).rejects.toThrow('upstream_unavailable');
  });
});
