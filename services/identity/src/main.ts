import { runService } from '@daybook/runtime';
import { loadConfig } from './config';
import { createService } from './service';

runService(loadConfig, createService);
