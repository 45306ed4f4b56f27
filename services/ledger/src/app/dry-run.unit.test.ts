import { issue } from '../../test/engine-rig';
import type { BookCommand } from '../domain/book-commands';
import { bulkAnswerTo } from './dry-run';
import type { Engine } from './engine';

test('independent commands of a bulk are asked in portions, in their order, and answered in it', async () => {
  const asked: bigint[] = [];
  let waiting = 0;
  let most = 0;
  const engine = {
    async submit(command: BookCommand) {
      const { amount } = command as { readonly amount: bigint };
      asked.push(amount);
      most = Math.max(most, (waiting += 1));
      await new Promise((resolve) => setImmediate(resolve));
      waiting -= 1;
      return { ok: true, at: String(amount), reference: 'r', replayed: false };
    },
  } as unknown as Engine;
  const amounts = Array.from({ length: 2_500 }, (_, index) => BigInt(index + 1));
  const { outcomes, failed } = await bulkAnswerTo(
    engine,
    amounts.map((amount) => issue(amount)),
    { atomic: false },
  );
  expect(most).toBe(1_000);
  expect(asked).toEqual(amounts);
  expect(outcomes.map((outcome) => outcome.ok && outcome.at)).toEqual(amounts.map(String));
  expect(failed).toBeNull();
});
