import { onEachTransport } from './harness';
import { describeTransport } from './transport.contract';

onEachTransport('the Transport contract', describeTransport);
