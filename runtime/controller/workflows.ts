/** Every workflow type of the controller: the entry point of the workflow bundle. */

export { KFlowExecution } from './executions/workflow/kflow-execution';
export { KFlowDSL } from './flows/workflow/kflow-dsl';
export { KFlowInstallation } from './flows/workflow/kflow-installation';
