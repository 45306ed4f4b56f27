import { createHmac } from 'node:crypto';
import { keyedDigests } from './keyring';
import { Secret } from './secret';

const key = (byte: number) => new Secret(Buffer.alloc(32, byte).toString('base64'));

test('content has a digest under each key, and what was current is still among them when it is old', () => {
  const content = ['a', { b: 1 }];
  const first = keyedDigests({ current: key(1), old: [] }, 'use', content);
  // As it was recorded before there was more than one key.
  const recorded = createHmac('sha256', Buffer.alloc(32, 1)).update('use ["a",{"b":1}]').digest('hex');
  expect(first).toEqual({ current: recorded, old: [] });
  const rotated = keyedDigests({ current: key(2), old: [key(3), key(1)] }, 'use', content);
  expect(rotated.old).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), recorded]);
  expect(rotated.current).not.toBe(recorded);
});

test('other content, another use and another key have other digests', () => {
  const keys = { current: key(1), old: [key(2)] };
  const digests = [keyedDigests(keys, 'use', 'a'), keyedDigests(keys, 'use', 'b'), keyedDigests(keys, 'other', 'a')];
  const all = digests.flatMap(({ current, old }) => [current, ...old]);
  expect(new Set(all).size).toBe(6);
});
