import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@daybook/testing';

const dayMs = 86_400_000;
const toleranceMs = 60_000;
/** Says all that tells the time, whenever it is asked. */
const program = `process.stdin.on('data', () => console.log(JSON.stringify([
  Date.now(), new Date().getTime(), Date.parse(Date()), new Date(5).getTime(), Date.UTC(2000, 0), new Date() instanceof Date,
])))`;

test('a clock follows its file, a day back and forth', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'daybook-clock-'));
  const file = join(directory, 'clock');
  const preload = join(__dirname, '../dist/faults/clock-preload.js');
  const child = spawn(process.execPath, ['--require', preload, '--eval', program], {
    env: { PATH: process.env['PATH'], FAULTS_CLOCK_FILE: file },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answer = async () => {
    child.stdin.write('\n');
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return JSON.parse(line.toString()) as [number, number, number, number, number, boolean];
  };
  try {
    for (const shiftMs of [0, dayMs, -dayMs, 0]) {
      writeFileSync(file, String(shiftMs));
      await eventually(
        async () => {
          const [now, ofDate, ofText, given, utc, isDate] = await answer();
          for (const told of [now, ofDate, ofText])
            expect(Math.abs(told - Date.now() - shiftMs)).toBeLessThan(toleranceMs);
          expect([given, utc, isDate]).toEqual([5, Date.UTC(2000, 0), true]);
          if (shiftMs !== 0) expect(readFileSync(`${file}.seen`, 'utf8')).toBe(String(shiftMs));
        },
        { timeoutMs: 10_000 },
      );
    }
  } finally {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
    rmSync(directory, { recursive: true });
  }
});
