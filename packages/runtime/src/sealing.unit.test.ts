import { randomBytes } from 'node:crypto';
import { createSealer, oldSealingKeysSetting, sealingKeySetting } from './sealing';
import { Secret } from './secret';

const key = (bytes: number) => randomBytes(bytes).toString('base64');
const newKey = () => new Secret(key(32));

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

  test('opens what was sealed under an old key, and seals under the current one', () => {
    const [first, second, third] = [newKey(), newKey(), newKey()];
    const sealed = createSealer(first).seal('secret', 'a');
    const rotated = createSealer({ current: third, old: [first, second] });
    expect(rotated.open(sealed, 'a')).toBe('secret');
    expect(rotated.tryOpen(sealed, 'b')).toMatchObject({
      ok: false,
      problem: expect.stringContaining('another owner'),
    });
    const anew = rotated.seal('secret', 'a');
    expect(createSealer(third).open(anew, 'a')).toBe('secret');
    for (const old of [first, second]) expect(() => createSealer(old).open(anew, 'a')).toThrow('another key');
  });

  test('refuses what was sealed under a key that it does not have, or has no key named in it', () => {
    const keys = { current: newKey(), old: [newKey()] };
    const sealed = createSealer(newKey()).seal('secret', 'a');
    const [, ownId] = createSealer(keys).seal('secret', 'a').split('.');
    const under = { ok: false, problem: 'the value was sealed under another key' };
    for (const value of [sealed, sealed.replace('v1', 'v2'), `v1.${ownId}`, 'v1..', ''])
      expect(createSealer(keys).tryOpen(value, 'a')).toEqual(under);
    const [, theirId] = sealed.split('.');
    expect(createSealer(keys).tryOpen(sealed.replace(theirId!, ownId!), 'a')).toMatchObject({ ok: false });
  });

  test('accepts a key of 32 bytes and refuses one of 31', () => {
    const parse = (bytes: number) => sealingKeySetting.safeParse(key(bytes)).success;
    expect([parse(31), parse(32), parse(33)]).toEqual([false, true, false]);
  });

  test.each([
    ['none', '', 0],
    ['one', key(32), 1],
    ['one without its padding', key(32).slice(0, -1), 1],
    ['two with spaces and a comma at the end', ` ${key(32)} , ${key(32)},`, 2],
    ['one that is too short', `${key(32)},${key(31)}`, undefined],
    ['two with nothing between them', `${key(32)}${key(32)}`, undefined],
    ['two with something else between them', `${key(32)};${key(32)}`, undefined],
  ])('as old keys, reads %s', (_name, list, count) => {
    expect(oldSealingKeysSetting.safeParse(list).data?.length).toBe(count);
  });
});
