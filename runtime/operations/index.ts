/** `kflow/tasks`: tasks and operations, work that messages ask for, done by whichever consumer takes it. */

export { Consumer, type ConsumerProps } from './consumer';
export { Controller } from './controller';
export type { EntrypointClass, EntrypointProps } from './entrypoint';
export {
  EventListener,
  type EventListenerProps,
  message,
  receiptFor,
  type StartTaskEvent,
  type TaskEvent,
} from './event-listener';
export { type Fields, Message, type MessageProps } from './messages/message';
export {
  InternalError,
  NotFoundError,
  OperationError,
  type OperationErrorProps,
  PayloadError,
  TransportError,
  ValidationError,
} from './messages/operation-error';
export { Result, type ResultFields } from './messages/result';
export { type TaskLog, type TaskLogFields, type TaskLogLevel, useLog } from './observe/task-log';
export { type TaskMetrics, useMetrics } from './observe/task-metrics';
export { type TaskSpan, type TaskTracer, useTracer } from './observe/task-tracer';
export { Operation, type OperationProps } from './operation';
export { OperationRegistry } from './operation-registry';
export { Producer, type ProducerProps } from './producer';
export { Task, type TaskProps, type TaskStatus } from './task';
export { DummyTransport } from './transport/dummy-transport';
export type { Delivery, StoredValue, Transport } from './transport/transport';
