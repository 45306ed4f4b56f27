/**
 * Calls between processes: a request may get lost, arrive twice or late; an answer may get lost; nobody may be there, or
 * die meanwhile. The caller then hears what an HTTP client says of it, and does not know which of these it was.
 */
import type { SimulatedProcess, World } from './world';

export type CallFaults = {
  /** Shares of calls. */
  readonly lostBefore: number;
  readonly lostAfter: number;
  readonly repeated: number;
  readonly latencyMs: number;
  /** After which a caller stops waiting. */
  readonly timeoutMs: number;
};

type Server<Call, Answer> = { readonly owner: SimulatedProcess; answer(path: string, call: Call): Promise<Answer> };

export type SimulatedNetwork<Call, Answer> = {
  serve(service: string, server: Server<Call, Answer>): void;
  /** For a process, or for somebody outside who never dies. */
  post(owner: SimulatedProcess | null, service: string): (path: string, call: Call) => Promise<Answer>;
  heal(): void;
};

export function simulatedNetwork<Call, Answer>(world: World, faults: CallFaults): SimulatedNetwork<Call, Answer> {
  const { random } = world;
  const servers = new Map<string, Server<Call, Answer>[]>();
  let healed = false;
  const chance = (share: number) => !healed && random.chance(share);
  const latency = () => 1 + random.below(faults.latencyMs);

  function serverOf(service: string): Server<Call, Answer> | undefined {
    const alive = (servers.get(service) ?? []).filter(({ owner }) => owner.alive);
    servers.set(service, alive);
    return alive.length === 0 ? undefined : random.pick(alive);
  }

  return {
    serve: (service, server) => void servers.set(service, [...(servers.get(service) ?? []), server]),
    post: (owner, service) => (path, call) =>
      new Promise((resolve, reject) => {
        const fail = (code: string) => reject(Object.assign(new Error(code), { code }));
        const server = serverOf(service);
        if (server === undefined) return world.after(latency(), owner, () => fail('ECONNREFUSED'));
        const [before, after] = [chance(faults.lostBefore), chance(faults.lostAfter)];
        world.note(`${owner?.name ?? 'client'} calls ${path}${before ? ' in vain' : after ? ' unheard' : ''}`);
        const isReset = (before || after) && random.chance(0.5);
        world.after(isReset ? 2 * latency() : faults.timeoutMs, owner, () =>
          fail(isReset ? 'ECONNRESET' : 'UND_ERR_HEADERS_TIMEOUT'),
        );
        if (before) return undefined;
        const arrive = (isFirst: boolean) => () => {
          void server.answer(path, call).then((answer) => {
            if (isFirst && !after) world.after(latency(), owner, () => resolve(answer));
          });
        };
        world.after(latency(), server.owner, arrive(true));
        if (chance(faults.repeated)) world.after(latency() + random.below(1_000), server.owner, arrive(false));
        return undefined;
      }),
    heal() {
      healed = true;
    },
  };
}
