import { createServer } from 'node:net';
import { StartRefusal, type Component } from '@daybook/runtime';

const problems: Readonly<Record<string, string>> = { EADDRINUSE: 'is taken', EACCES: 'is not for this user' };

/** Tells of a port that cannot be had before all services are started for it. */
export function portCheck(port: number): Component {
  return {
    name: 'DAYBOOK_PORT',
    async start() {
      const server = createServer();
      await new Promise<void>((resolve, reject) => {
        server.once('error', (error: NodeJS.ErrnoException) => {
          const problem = problems[error.code ?? ''];
          reject(problem === undefined ? error : refusal(port, problem));
        });
        server.listen(port, '127.0.0.1', resolve);
      });
      await new Promise((resolve) => server.close(resolve));
    },
    stop: async () => undefined,
  };
}

function refusal(port: number, problem: string): StartRefusal {
  return new StartRefusal(`port ${port} ${problem}; give another as DAYBOOK_PORT, or 0 for any that is free`);
}
