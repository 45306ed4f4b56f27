import { eventually, testLogger } from '@daybook/testing';
import { createMember, type Log } from './postgres-member';
import type { LockSession } from './postgres-session';
import type { RawMessage } from './transport';

const partitions = 3;

/** Each partition has one message, which whoever takes it handles: nobody moves the place. */
const log: Log = {
  read: async ({ topic, partition }) => [
    { topic, partition, offset: 0n, key: 'k', value: Buffer.from('{}'), headers: {} } satisfies RawMessage,
  ],
  end: () => 1n,
  endNow: async () => 1n,
};

/** The locks of one server. As there, a session gets a second time what it has. */
function server() {
  const owners = new Map<string, LockSession>();
  let joined = 0;
  return {
    session(): LockSession {
      const session: LockSession = {
        async tryLock(name) {
          if ((owners.get(name) ?? session) !== session) return false;
          owners.set(name, session);
          return true;
        },
        unlock: async (name) => void owners.delete(name),
        join: async () => {
          joined++;
          return { leave: async () => void joined-- };
        },
        members: async () => () => joined,
        lost: false,
        close: async () => undefined,
      };
      return session;
    },
    held: () => owners.size,
  };
}

type Work = { readonly inHand: Map<number, () => void>; readonly collisions: number[] };

/** A member whose handlers end when they are let, each of a partition that nobody else may be at work on. */
function member(session: LockSession, { inHand, collisions }: Work) {
  const calls: number[] = [];
  const { balance, stop } = createMember(log, testLogger().logger, partitions, {
    group: 'g',
    topic: 't',
    startAt: async () => 0n,
    async handle([message]) {
      const { partition } = message!;
      calls.push(partition);
      if (inHand.has(partition)) collisions.push(partition);
      await new Promise<void>((resolve) => inHand.set(partition, resolve));
      inHand.delete(partition);
    },
  });
  return { calls, stop, balance: (members: number) => balance(session, () => members) };
}

let work: Work;
let locks: ReturnType<typeof server>;
let first: ReturnType<typeof member>;
let second: ReturnType<typeof member>;

/** One is at work on everything, and one has come. */
beforeEach(async () => {
  work = { inHand: new Map(), collisions: [] };
  locks = server();
  first = member(locks.session(), work);
  second = member(locks.session(), work);
  await first.balance(1);
  await eventually(() => expect(first.calls).toEqual([0, 1, 2]), { timeoutMs: 2_000 });
});
afterEach(async () => {
  const stopped = Promise.all([first.stop(), second.stop()]);
  for (const end of work.inHand.values()) end();
  await stopped;
  expect([locks.held(), work.collisions]).toEqual([0, []]);
});

/** Lets the handler end, and waits for the lock of its partition. */
async function ends(partition: number): Promise<void> {
  const before = locks.held();
  work.inHand.get(partition)!();
  await eventually(() => expect(locks.held()).toBe(before - 1), { timeoutMs: 2_000 });
}

test('a member that has too much waits for no handler, and nobody has its partition before the handler has ended', async () => {
  await first.balance(2);
  expect(locks.held()).toBe(3);
  await second.balance(2);
  expect(second.calls).toEqual([]);
  await ends(2);
  await second.balance(2);
  await eventually(() => expect(second.calls).toEqual([2]), { timeoutMs: 2_000 });
  expect(first.calls).toEqual([0, 1, 2]);
});

test('a member takes nothing back that it is still giving away, and everything when it is alone again', async () => {
  await first.balance(2);
  await first.balance(1);
  expect([first.calls, locks.held()]).toEqual([[0, 1, 2], 3]);
  await ends(2);
  await first.balance(1);
  await eventually(() => expect(first.calls).toEqual([0, 1, 2, 2]), { timeoutMs: 2_000 });
});

test('what a member is still giving away is not of its share', async () => {
  await first.balance(3);
  await ends(2);
  await first.balance(2);
  await eventually(() => expect(first.calls).toEqual([0, 1, 2, 2]), { timeoutMs: 2_000 });
});

test('a member that stops waits also for what it is giving away', async () => {
  await first.balance(2);
  let isStopped = false;
  const stopped = first.stop().then(() => (isStopped = true));
  await ends(0);
  await ends(1);
  expect(isStopped).toBe(false);
  await ends(2);
  await stopped;
});
