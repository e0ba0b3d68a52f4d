/** The public API for programs: defines flows, reads topologies and plans flows. */
export { avro } from './define/avro';
export type { AvroType, ReadsOf, RecordType, ValueOf, WritesOf } from './define/avro-type';
export { s3list } from './define/connector-builders';
export { defineFlow, FlowDefinition } from './define/flow-definition';
export type { FlowOutput, FunctionOutput } from './define/flow-output';
export { fromModule, python, pythonFile } from './define/function-code';
export { join, merge, type StepOutput } from './define/task-flows/step-output';
export { type Task, task } from './define/task-flows/task';
export { defineTaskFlow, TaskFlowDefinition } from './define/task-flows/task-flow-definition';
export { defineWorker, WorkerDefinition } from './define/worker-definition';
export { ConfigError, type ErrorCode, FunctionError, KFlowError, StateError, StoreError } from './errors';
export type {
  FlowPlan,
  PlannedBucket,
  PlannedConsumer,
  PlannedSecret,
  PlannedStream,
  PlannedWorkload,
} from './plan/flow-plan';
export type { FunctionSpec } from './plan/function-spec';
export type { PlanSettings, S3Account } from './plan/plan-connections';
export { planFlow } from './plan/plan-flow';
export type { AvroSchema } from './topology/avro/avro-type';
export type { TopologyDocument } from './topology/document/document-schema';
export type { FlowFunction, Topology } from './topology/document/topology';
export { topologyJsonSchema } from './topology/document/topology-json-schema';
export { formatProblem, type Problem, TopologyError } from './topology/problem/problem';
export { readTopology } from './topology/read-topology';
