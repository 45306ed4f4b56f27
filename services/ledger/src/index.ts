export { configSchema, loadConfig, type Config } from './config';
export { createService } from './service';
