import { bodyRoom, smallBodyBytes } from './body-room';

const million = 1_000_000;
const of = (bytes: number) => ({ headers: { 'content-length': `${bytes}` } });

test('the last body that has room is let in, and the one that has none comes in when another is done', () => {
  const room = bodyRoom(4 * million);
  const done = ['a', 'b', 'c', 'd'].map((caller) => room.enter(caller, of(million), million));
  expect(done).not.toContain(undefined);
  expect(room.enter('e', of(smallBodyBytes + 1), million)).toBeUndefined();
  done[0]!();
  // Only once, however often it is told.
  done[0]!();
  expect(room.enter('e', of(million), million)).toBeDefined();
  expect(room.enter('f', of(smallBodyBytes + 1), million)).toBeUndefined();
});

test('one caller has half of the room', () => {
  const room = bodyRoom(4 * million);
  const [first] = [room.enter('a', of(million), million), room.enter('a', of(million), million)];
  expect(room.enter('a', of(smallBodyBytes + 1), million)).toBeUndefined();
  expect(room.enter('b', of(2 * million), 2 * million)).toBeDefined();
  first!();
  expect(room.enter('a', of(million), million)).toBeDefined();
});

test('small bodies and none always have room', () => {
  const room = bodyRoom(2 * million);
  room.enter('a', of(million), million);
  room.enter('b', of(million), million);
  for (const headers of [{}, { 'content-length': '0' }, { 'content-length': `${smallBodyBytes}` }])
    expect(room.enter('c', { headers }, million)).toBeDefined();
});

test.each([
  ['compressed', { 'content-length': '100', 'content-encoding': 'gzip' }],
  ['in chunks', { 'transfer-encoding': 'chunked' }],
  ['longer than the route takes', { 'content-length': '99000000' }],
])('a body %s counts for what it may be', (_name, headers) => {
  const room = bodyRoom(2 * million);
  expect(room.enter('a', { headers }, million)).toBeDefined();
  expect(room.enter('a', of(smallBodyBytes + 1), million)).toBeUndefined();
  expect(room.enter('b', of(million), million)).toBeDefined();
});
