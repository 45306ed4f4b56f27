import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { endProcess } from './processes';

describe('endProcess', () => {
  let child: ChildProcess;
  const pid = () => child.pid!;
  const steps = [
    { name: 'SIGINT', waitMs: 0 },
    { name: 'SIGKILL', waitMs: 60_000 },
  ] as const;
  /** Says what it was sent, and lives on. */
  beforeEach(async () => {
    const program = "process.on('SIGINT', () => console.log('SIGINT')); setInterval(() => {}, 1000); console.log('up')";
    child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout!, 'data');
  });
  afterEach(async () => {
    const ended = once(child, 'exit');
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await ended;
  });

  test('goes on to the next signal while the process runs', async () => {
    expect(await endProcess(pid(), () => true, steps)).toBe(true);
    expect(await endProcess(pid(), () => true, steps)).toBe(true);
  });

  test('says so when the process outlives all of them', async () => {
    expect(await endProcess(pid(), () => true, steps.slice(0, 1))).toBe(false);
  });

  test('sends nothing to another process that has the id', async () => {
    expect(await endProcess(pid(), () => false, [...steps].reverse())).toBe(true);
    expect(child.kill(0)).toBe(true);
  });

  test('sends nothing more once another process has the id', async () => {
    const heard = once(child.stdout!, 'data');
    const answers = [true, false];
    expect(await endProcess(pid(), () => answers.shift() ?? false, steps)).toBe(true);
    expect(String(await heard)).toBe('SIGINT\n');
    expect(child.kill(0)).toBe(true);
  });
});
