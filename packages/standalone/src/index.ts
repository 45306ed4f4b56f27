export { loadConfig, type Config } from './config';
export type { Credentials } from './seed';
export { createStandalone } from './standalone';
