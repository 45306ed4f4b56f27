export { assert, assertNever, AssertionError } from './assert';
export { accept, reject, type Decider, type Decision } from './decider';
export { isOperationalError, OperationalError, type OperationalCode } from './errors';
