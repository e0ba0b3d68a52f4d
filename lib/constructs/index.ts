/** What a program imports to render manifests: `kflow/constructs`. */
export { ControllerInstall } from './controller/controller-install';
export type { ControllerAccess, ControllerInstallProps } from './controller/controller-install-props';
export { type DocumentProps, Flow, type FlowProps } from './flow';
export { FlowApp } from './flow-app';
export { FlowNamespace, type FlowNamespaceProps } from './flow-namespace';
export { type Manifest, renderYaml } from './manifest';
export { NackAccount, type NackAccountProps } from './streams/nack-account';
export { OutputStream, type OutputStreamProps, SideStream } from './streams/output-stream';
export { StateBucket, type StateBucketProps } from './streams/state-bucket';
export { StreamConsumer, type StreamConsumerProps } from './streams/stream-consumer';
export { TaskWorker } from './task-worker';
export {
  FunctionWorkload,
  type FunctionWorkloadProps,
  MessageStore,
  type MessageStoreProps,
} from './workloads/function-workload';
export { MetricsEndpoint, type MetricsEndpointProps } from './workloads/metrics-endpoint';
