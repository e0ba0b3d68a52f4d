import { ControllerPlace } from '../support/controller-place';
import { describeFlowService } from './flow-service-suite';

describeFlowService('the controller', () => ControllerPlace.open({ pauseGrace: 2, ready: 5 }));
