import { MemoryController } from '../support/memory-controller';
import { describeFlowService } from './flow-service-suite';

describeFlowService('the controller over ports in memory', async () => new MemoryController());
