import { benchOptionsOf } from './options';

const given = (...args: string[]) => benchOptionsOf(args, ['g5', 'g10']);
const usual = { rounds: 5, seconds: 3, perSecond: 1_000 };

test('everything is measured when nothing is named', () => {
  expect(given()).toEqual({ ...usual, ours: ['g5', 'g10'], engine: [] });
});

test('each bench is given its own goals and options, however they are written', () => {
  const asked = { rounds: 7, seconds: 1, perSecond: 200 };
  const engine = ['--only=g1', '--rounds=7', '--seconds=1', '--events=9'];
  const written = ['--rounds', '7', '--only=g1,g10', '--seconds=1', '--rate', '200', '--events', '9'];
  expect(given(...written)).toEqual({ ...asked, ours: ['g10'], engine });
  expect(given('--only', 'g10', '--rate', '200')).toEqual({ ...usual, perSecond: 200, ours: ['g10'], engine: null });
});

test.each([
  [['--help'], "Unknown option '--help'"],
  [['--only', 'g5', '--runs', '3'], "Unknown option '--runs'"],
  [['g5'], "Unexpected argument 'g5'"],
  [['--rounds', 'x'], '--rounds is to be a whole number from 1'],
])('%j is refused before anything is measured', (args, said) => {
  expect(() => given(...args)).toThrow(said);
});
