import { describeCluster } from './cluster-suite';
import { ProcessPlace } from './process-place';

describeCluster('the processes of this machine', () => ProcessPlace.open());
