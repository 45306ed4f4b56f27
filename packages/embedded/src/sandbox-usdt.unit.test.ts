import { join } from 'node:path';
import artefact from './sandbox-usdt.json';

test('the committed artefact is what the source compiles to', () => {
  // A path of its own, so that the compiler is loaded only here.
  const { compile } = require(join(__dirname, '../scripts/compile-contracts.cjs')) as { compile(): typeof artefact };
  expect(compile()).toEqual(artefact);
});
