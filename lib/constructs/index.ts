/** What a program imports to make manifests: `kflow/constructs`. */
export { ControllerInstall } from './controller-install';
export type { ControllerAccess, ControllerInstallProps } from './controller-install-props';
export { DevStore, type DevStoreProps } from './dev-store';
export { type DocumentProps, Flow, type FlowProps } from './flow';
export { FlowApp } from './flow-app';
export { FunctionWorkload, type FunctionWorkloadProps } from './function-workload';
export type { Manifest } from './manifest';
export { MessageStore, type MessageStoreProps } from './message-store';
export { MetricsEndpoint, type MetricsEndpointProps } from './metrics-endpoint';
export { OutputStream, type OutputStreamProps } from './output-stream';
export { renderYaml } from './render-yaml';
export { SideStream } from './side-stream';
export { StateBucket, type StateBucketProps } from './state-bucket';
export { StreamConsumer, type StreamConsumerProps } from './stream-consumer';
