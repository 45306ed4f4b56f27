/** The signer as a process that is killed where it hurts: after a record is on disk and before anybody has the answer. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signerClient } from '../src/client';
import type { Signer } from '../src/protocol';
import { ethSend, settings, token } from './rig';

const main = join(__dirname, '../dist/main.js');
/** The built program, but it dies by its own hand once the disk has what `killAt` says. */
const dying = (killAt: 'before' | 'after') => `
  const { open } = require('node:fs/promises');
  open(process.execPath).then(async (handle) => {
    const file = Object.getPrototypeOf(handle);
    await handle.close();
    const real = file.datasync;
    file.datasync = async function () {
      if ('${killAt}' === 'after') await real.call(this);
      process.kill(process.pid, 'SIGKILL');
      await new Promise(() => undefined);
    };
    require(${JSON.stringify(main)});
  });
`;

describe('kill -9 of the signer', () => {
  const home = mkdtempSync(join(tmpdir(), 'daybook-signer-'));
  const directory = join(home, 'signer');
  const children: ChildProcess[] = [];
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  });

  async function start(program: readonly string[]): Promise<{ child: ChildProcess; client: Signer }> {
    const env = { PATH: process.env.PATH, ...settings(directory, { LOG_LEVEL: 'silent' }) } as NodeJS.ProcessEnv;
    const child = spawn(process.execPath, program, { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    children.push(child);
    const [{ url }] = (await once(child, 'message')) as [{ url: string }];
    return { child, client: signerClient({ url, token }) };
  }
  const journal = () => readFileSync(join(directory, 'signatures.log'), 'utf8');

  test('a record that is on disk holds, although nobody had the answer: a repeat has its bytes, another payment none', async () => {
    const first = await start(['-e', dying('after')]);
    const died = once(first.child, 'exit');
    await expect(first.client.sign(ethSend('lost', 7))).rejects.toThrow('upstream_unavailable');
    expect((await died)[1]).toBe('SIGKILL');
    const recorded = journal();
    expect(recorded.split('\n')).toHaveLength(3);

    const second = await start([main]);
    const refused = { ok: false, refusal: 'send_exists_with_different_fields' };
    expect(await second.client.sign(ethSend('lost', 7, { amount: 1n }))).toEqual(refused);
    expect(await second.client.sign(ethSend('lost', 8))).toEqual(refused);
    expect(await second.client.sign(ethSend('other', 7))).toEqual({ ok: false, refusal: 'slot_taken' });
    const repeat = await second.client.sign(ethSend('lost', 7));
    expect(repeat.ok && recorded.includes(`"bytes":"${repeat.value.bytes}"`)).toBe(true);
    expect(journal()).toBe(recorded);
    second.child.kill('SIGKILL');
    await once(second.child, 'exit');
  });

  test('a line that is half written when it dies is as if it was never asked for', async () => {
    const before = journal();
    const first = await start(['-e', dying('before')]);
    const died = once(first.child, 'exit');
    await expect(first.client.sign(ethSend('half', 20))).rejects.toThrow('upstream_unavailable');
    await died;
    // The system had the line; the power fails before the disk has all of it.
    writeFileSync(join(directory, 'signatures.log'), journal().slice(0, -40));
    const second = await start([main]);
    expect(journal()).toBe(before);
    expect((await second.client.sign(ethSend('other', 20))).ok).toBe(true);
    second.child.kill('SIGTERM');
    expect((await once(second.child, 'exit'))[0]).toBe(0);
  });

  test('two on one journal do not both sign', async () => {
    const [one, two] = await Promise.all([start([main]), start([main])]);
    expect((await one.client.sign(ethSend('one', 30))).ok).toBe(true);
    const died = once(two.child, 'exit');
    await expect(two.client.sign(ethSend('two', 30))).rejects.toThrow('upstream_unavailable');
    expect((await died)[0]).toBe(1);
    expect((await one.client.sign(ethSend('three', 31))).ok).toBe(true);
    one.child.kill('SIGTERM');
    await once(one.child, 'exit');
  });

  test('it ends when the program that started it is gone', async () => {
    const { child } = await start([main]);
    const ended = once(child, 'exit');
    child.disconnect();
    expect((await ended)[0]).toBe(0);
  });
});
