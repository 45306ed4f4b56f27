import { runService } from '@daybook/runtime';
import { loadConfig } from './config';
import { createService } from './service';

runService(loadConfig, (config, overrides) => {
  const service = createService(config, overrides);
  return {
    async start() {
      const started = await service.start();
      // A child of another program tells it that it listens, and ends in order when that program is gone.
      process.send?.(started);
      process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
      return started;
    },
    stop: () => service.stop(),
  };
});
