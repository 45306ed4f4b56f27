export { createAlarm, type Alarm } from './alarm';
export { systemClock, type Clock } from './clock';
export {
  callTokens,
  ConfigError,
  describeConfig,
  durationMsSetting,
  entriesOf,
  nodeUrlSetting,
  parseConfig,
  portSetting,
  secretSetting,
  serviceSettings,
  type Environment,
  type ServiceSettings,
} from './config';
export { currentCorrelation, withCorrelation, type Correlation } from './correlation';
export { duePass, dueWorker, dueWorkers, type Pass } from './due-worker';
export { codeFrom, publicKeyId, sha256Hex, uuidFrom, uuidv7 } from './ids';
export { advancedInTime, inTime, within, type Wait } from './in-time';
export { inTurn, type InTurn } from './in-turn';
export { keyedDigests, type KeyedDigests, type Keyring } from './keyring';
export { inOrder, runProgram, runService, type Component, type OnFatal, type Service } from './lifecycle';
export { createLogger, type Logger } from './logger';
export { Counter, createMetrics, Gauge, Histogram, scraped, type Registry } from './metrics';
export { createSealer, sealingKeySetting, secretsKeySettings, secretsKeysOf, type Sealer } from './sealing';
export { Secret } from './secret';
export { deriveEd25519 } from './slip10';
export { reasonOf, startFailure, StartRefusal } from './start-refusal';
export { traceIdOf, traceparentOf } from './trace-context';
export { createFile, replaceFile } from './whole-file';
