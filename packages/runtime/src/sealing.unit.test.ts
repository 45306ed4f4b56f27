import { randomBytes } from 'node:crypto';
import { createSealer, sealingKeySetting } from './sealing';
import { Secret } from './secret';

const newKey = () => new Secret(randomBytes(32).toString('base64'));

describe('sealing', () => {
  test('opens what it sealed and never writes the plain text', () => {
    const sealer = createSealer(newKey());
    const sealed = sealer.seal('whsec_canary', 'endpoint-1');
    expect(sealed).not.toContain('canary');
    expect(sealer.open(sealed, 'endpoint-1')).toBe('whsec_canary');
    expect(sealer.seal('whsec_canary', 'endpoint-1')).not.toBe(sealed);
  });

  test('refuses another owner, another key and a changed value', () => {
    const sealer = createSealer(newKey());
    const sealed = sealer.seal('secret', 'a');
    expect(() => sealer.open(sealed, 'b')).toThrow('another owner');
    expect(() => createSealer(newKey()).open(sealed, 'a')).toThrow('another key');
    const at = sealed.length - 3;
    const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
    expect(() => sealer.open(changed, 'a')).toThrow('was changed');
    for (const [value, owner] of [
      [sealed, 'b'],
      [changed, 'a'],
      [sealed.slice(0, 20), 'a'],
      ['', 'a'],
    ] as const)
      expect(sealer.tryOpen(value, owner)).toEqual({ ok: false, problem: expect.any(String) });
    expect(sealer.tryOpen(sealed, 'a')).toEqual({ ok: true, plain: 'secret' });
  });

  test('accepts a key of 32 bytes and refuses one of 31', () => {
    const parse = (bytes: number) => sealingKeySetting.safeParse(randomBytes(bytes).toString('base64')).success;
    expect([parse(31), parse(32), parse(33)]).toEqual([false, true, false]);
  });
});
