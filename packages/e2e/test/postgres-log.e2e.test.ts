import { describeStories } from './stories';

describeStories('the log in Postgres', async () => ({ MESSAGING: 'postgres' }));
