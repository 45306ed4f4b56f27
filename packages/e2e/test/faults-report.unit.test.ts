import { faultKinds, type FaultKind } from '../src/faults/plan';
import { neverFelt, summaryOf } from '../src/faults/report';
import type { RunResult } from '../src/faults/run';

const run = (...faults: readonly (readonly [FaultKind, number])[]): RunResult => ({
  seed: 0,
  firstSeed: 0,
  ms: 0,
  faults: faults.map(([kind, felt]) => ({ kind, target: '', fromMs: 0, toMs: 0, felt })),
  operations: {},
  repeated: 0,
  endings: [],
  parts: {},
  violations: [],
});

describe('the report of fault runs', () => {
  test('names the kinds of faults that never met anything', () => {
    expect(neverFelt([])).toEqual([]);
    expect(neverFelt([run(['cut', 0], ['kill', 1]), run(['cut', 3], ['disk-full', 0])])).toEqual(['disk-full']);
    expect(summaryOf([run(['cut', 0])], faultKinds)).toMatch(/^never felt: cut/m);
    const idle = run(['cut', 0]);
    expect(
      neverFelt([{ ...idle, faults: idle.faults.map((each) => ({ ...each, target: 'gateway>identity' })) }]),
    ).toEqual([]);
  });

  test('says which kinds were left out', () => {
    const available = faultKinds.filter((kind) => kind !== 'disk-full');
    expect(summaryOf([run(['cut', 1])], available)).toMatch(/^disk-full +left out/m);
  });
});
