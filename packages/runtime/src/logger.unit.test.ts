import { inspect } from 'node:util';
import { createLogger } from './logger';
import { Secret } from './secret';

const canary = 'canary-7f3a9c';

test('no secret reaches a log line: neither a Secret nor a field with a secret name', () => {
  const lines: string[] = [];
  const logger = createLogger({
    service: 'test',
    level: 'info',
    destination: { write: (line: string) => void lines.push(line) },
  });
  logger.info({ config: { INTERNAL_TOKEN: new Secret(canary) } }, 'started');
  logger.info({ headers: { authorization: canary, 'x-client-secret': canary, 'x-api-key': canary } }, 'request');
  logger.info({ password: canary, answer: { secret: canary, token: canary } }, 'issued');
  expect(lines).toHaveLength(3);
  expect(lines.join('')).not.toContain(canary);
});

test('a Secret shows stars in every way of printing it', () => {
  const secret = new Secret(canary);
  expect([`${secret.toString()}`, JSON.stringify({ secret }), inspect({ secret })].join()).not.toContain(canary);
  expect(secret.reveal()).toBe(canary);
});
