export { createApp, createListener, httpServer, type AppOptions, type HttpServer } from './app';
export type { DirectRoute } from './direct';
export { callClient, callRoutes, callServer, onCall, requireToken, type CallClient, type CallHandler } from './calls';
export type { CallAnswer, OutgoingCall } from './call-queue';
export {
  decimalToken,
  jsonInteger,
  jsonNumber,
  numberToken,
  parseBody,
  parseJson,
  parseJsonBytes,
  readBody,
  stringifyJson,
} from './json';
export { checked, contradiction, jsonIn, nodeHttp } from './node-http';
export { redacting, type Redact } from './node-says';
export {
  describeIssue,
  errorHandler,
  failureOf,
  FailureError,
  logFailure,
  readInput,
  sendProblem,
  type Failure,
} from './problem';
export { whenDone } from './when-done';
