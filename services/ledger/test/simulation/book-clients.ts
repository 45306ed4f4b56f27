/**
 * Clients of a book. Each asks one thing at a time of any process, waits for so long and then asks again or something
 * else: new commands, repeats of answered ones, the same id with other content, and reads. All that was asked and
 * answered is kept for the checks.
 */
import { isOperationalError } from '@daybook/core';
import type { SimulatedStore, World } from '@daybook/testing';
import type { EngineOutcome } from '../../src/app/engine';
import type { BookCommand } from '../../src/domain/book-commands';
import type { BookState } from '../../src/domain/book-state';
import { stream, type BookProcess, type Processes } from './book-processes';
import { withOtherContent, type Workload } from './book-workload';

/** Lengths of the log when it was asked and when it was answered bound the state that the answer comes from. */
export type Attempt = {
  /** Events that it recorded carry it as their correlation id. */
  readonly key: string;
  readonly command: BookCommand;
  readonly from: number;
  /** The process's time when it was asked. */
  readonly at: string;
  until?: number;
  answer?: EngineOutcome;
  /** Code of the failure that the client was told. */
  error?: string;
};

export type Read = {
  readonly from: number;
  readonly until: number;
  readonly length: number;
  readonly accounts: string;
};

export type Clients = {
  readonly attempts: readonly Attempt[];
  readonly reads: readonly Read[];
  /** Nothing new is asked any more; what has no certain answer is asked again. */
  finish(): void;
  /** All that was asked has a certain answer. */
  isThrough(): boolean;
};

export type ClientSettings = {
  readonly count: number;
  readonly thinkMs: number;
  readonly patienceMs: number;
  readonly commandsMax: number;
  /** Before the end of the faults. */
  readonly attemptsMax: number;
};

/** Balances of all accounts, in an order of their own. */
export function accountsText({ accounts }: Pick<BookState, 'accounts'>): string {
  const lines: string[] = [];
  for (const { accountId, posted, held, incoming, version, frozen } of accounts.values())
    lines.push(`${accountId} ${posted} ${held} ${incoming} ${version} ${frozen}`);
  return lines.toSorted().join('\n');
}

export function bookClients(
  { world, store, processes }: { world: World; store: SimulatedStore; processes: Processes },
  workload: Workload,
  { count, thinkMs, patienceMs, commandsMax, attemptsMax }: ClientSettings,
): Clients {
  const { random } = world;
  const attempts: Attempt[] = [];
  const reads: Read[] = [];
  const history: BookCommand[] = [];
  /** Asked, and without a certain answer. */
  const uncertain = new Set<BookCommand>();
  let opening = [...workload.opening];
  let finishing = false;

  const length = () => store.lengthOf(stream);

  function choose(): BookCommand | undefined {
    if (!finishing && attempts.length >= attemptsMax) return undefined;
    const [first] = opening;
    if (first !== undefined) {
      opening = opening.slice(1);
      history.push(first);
      return first;
    }
    if (uncertain.size > 0 && (finishing || random.chance(0.4))) return random.pick([...uncertain]);
    if (finishing) return undefined;
    if (random.chance(0.15)) {
      const repeated = random.pick(history.slice(-60));
      return random.chance(0.15) ? withOtherContent(repeated) : repeated;
    }
    if (random.chance(0.05)) return random.pick(history);
    if (history.length >= commandsMax) return undefined;
    const command = workload.next(world.now());
    history.push(command);
    return command;
  }

  function next(): void {
    if (world.violation() === undefined) world.after(1 + random.below(thinkMs), null, act);
  }

  function act(): void {
    const alive = processes.alive();
    if (alive.length === 0) return next();
    const ready = alive.filter(({ engine }) => engine.ready());
    const process = random.pick(ready.length > 0 && random.chance(0.9) ? ready : alive);
    if (random.chance(0.1)) return look(process);
    const command = choose();
    if (command === undefined) return next();
    ask(process, command);
  }

  /** Goes on when the answer is there, or patience is over. */
  function turnTaken(): () => void {
    let isOver = false;
    const over = () => {
      if (!isOver) next();
      isOver = true;
    };
    world.after(patienceMs, null, over);
    return over;
  }

  function ask(process: BookProcess, command: BookCommand): void {
    const key = `k${attempts.length}`;
    const attempt: Attempt = { key, command, from: length(), at: process.clock().toISOString() };
    attempts.push(attempt);
    uncertain.add(command);
    const over = turnTaken();
    world.note(`${key} asks ${process.name} ${command.type}`);
    world.after(0, process, () => {
      process.engine.post(command, { correlationId: key, causationId: key }, (error, answer) => {
        attempt.until = length();
        if (error === null) {
          attempt.answer = answer!;
          uncertain.delete(command);
        } else if (isOperationalError(error)) attempt.error = error.code;
        else world.violated(`${key} ${command.type}: ${String(error)}`);
        world.note(`${key} ${error === null ? JSON.stringify(answer) : attempt.error} at ${attempt.until}`);
        over();
      });
    });
  }

  function look(process: BookProcess): void {
    const from = length();
    const over = turnTaken();
    world.after(0, process, () => {
      process.engine
        .read((state) => ({ length: state.length, accounts: accountsText(state) }))
        .then(
          (seen) => {
            world.note(`${process.name} shows ${seen.length}`);
            reads.push({ from, until: length(), ...seen });
            over();
          },
          (error: unknown) => {
            if (!isOperationalError(error)) world.violated(`a read of ${process.name}: ${String(error)}`);
            over();
          },
        );
    });
  }

  for (let client = 0; client < count; client++) next();
  return {
    attempts,
    reads,
    finish() {
      finishing = true;
    },
    isThrough: () => opening.length === 0 && uncertain.size === 0,
  };
}
