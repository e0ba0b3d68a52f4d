import { MemoryFlowStore } from '../support/memory-flow-store';
import { describeFlowStore } from './flow-store-suite';

describeFlowStore('flows in memory', async () => new MemoryFlowStore());
