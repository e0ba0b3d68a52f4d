import { MemoryFlows } from '../support/memory-flows';
import { describeFlowService } from './flow-service-suite';

describeFlowService('flows in memory', async () => ({ service: new MemoryFlows() }));
