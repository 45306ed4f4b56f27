export { openReceiver, type ReceivedWebhook } from './demo/webhook-receiver';
export { configSchema, loadConfig, type Config } from './config';
export { readEndpoints, type Endpoints } from './endpoints';
export { loadSecrets } from './secrets';
export { readCredentials, seedDemo, type Credentials } from './seed';
export { seedConfigSchema } from './seed-main';
export { createStandalone } from './standalone';
export { writeSecretFiles } from './write-secret-files';
