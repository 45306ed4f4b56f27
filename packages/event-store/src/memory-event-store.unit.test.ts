import { describeEventStore } from '../test/event-store.contract';
import { memoryEventStore } from './memory-event-store';

describeEventStore('memory', async () => memoryEventStore());
