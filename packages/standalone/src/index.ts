export { openReceiver, type ReceivedWebhook } from './demo/webhook-receiver';
export { configSchema, loadConfig } from './config';
export { readEndpoints } from './endpoints';
export { loadSecrets } from './secrets';
export { readCredentials, seedDemo, type Credentials } from './seed';
export { seedConfigSchema } from './seed-main';
export { writeSecretFiles } from './write-secret-files';
