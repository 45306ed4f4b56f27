export { assert, assertNever, AssertionError } from './assert';
export { accept, reject, type Decider, type Decision } from './decider';
export { isOperationalError, OperationalError, type OperationalCode } from './errors';
export { emptyMap, mapValues, valueAt, valuesOf, withValue, type LayeredMap } from './layered-map';
