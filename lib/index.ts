/** What a program imports of KFlow to read topologies and plan flows. */
export { ConfigError, type ErrorCode, FunctionError, KFlowError, StateError, StoreError } from './errors';
export type {
  FlowPlan,
  PlannedBucket,
  PlannedConsumer,
  PlannedSecret,
  PlannedStream,
  PlannedWorkload,
} from './plan/flow-plan';
export { type FunctionSpec, functionSpecSchema } from './plan/function-spec';
export type { PlanSettings, S3Account } from './plan/plan-connections';
export { planFlow } from './plan/plan-flow';
export { renderMermaid } from './topology/graph';
export { formatProblem, type Problem, TopologyError } from './topology/problem';
export { readTopology } from './topology/read-topology';
export type { AvroSchema, FlowFunction, Topology } from './topology/topology';
export { topologyJsonSchema } from './topology/topology-json-schema';
