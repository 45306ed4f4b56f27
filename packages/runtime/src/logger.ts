import pino, { type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Field names whose values are never logged, at any of the first three levels of an object. */
const redacted = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'privateKey',
  'mnemonic',
  'x-client-secret',
  'x-api-key',
  'x-signature',
];

/** JSON lines on stdout. `destination` is for tests that read the lines. */
export function createLogger(options: { service: string; level: string; destination?: DestinationStream }): Logger {
  const paths = redacted.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: { service: options.service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
    redact: { paths, censor: '***' },
    serializers: { error: pino.stdSerializers.err },
  };
  return options.destination ? pino(settings, options.destination) : pino(settings);
}
