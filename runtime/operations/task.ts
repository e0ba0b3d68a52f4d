import { Entrypoint, type EntrypointProps } from './entrypoint';
import { ValidationError } from './messages/operation-error';
import type { Result } from './messages/result';
import type { TaskLogLevel } from './observe/task-log';
import { type Producer, sent } from './producer';

export type TaskStatus = 'PENDING' | 'RUNNING' | 'SUCCESS' | 'FAILED';

export interface TaskProps extends EntrypointProps {
  readonly status?: TaskStatus;
  /** Default: `topic` of the class. */
  readonly topic?: string;
}

/** An entrypoint with a status. */
export class Task extends Entrypoint {
  /** Where tasks of the class are sent to. A part of an operation without one goes to the topic of the operation. */
  static readonly topic?: string;

  status: TaskStatus;
  topic: string | undefined;
  /** A consumer sets it for what it runs. */
  producer: Producer | undefined;

  constructor({ status = 'PENDING', topic, ...props }: TaskProps = {}) {
    super(props);
    this.status = status;
    this.topic = topic ?? (this.constructor as typeof Task).topic;
  }

  /** Writes `{TaskName}.{TaskStatus}: {EntryPointPath}[{TaskUUID}]: {message}`. */
  override log(message: string, level: TaskLogLevel = 'INFO'): void {
    this.write(level, this.status, `: ${message}`);
  }

  /** Sends the task to its topic. The result says what was sent. Throws TransportError. */
  async send(result?: Result): Promise<Result> {
    const message = this.toMessage(result);
    const topic = this.requiredTopic();
    await this.requiredProducer().publish(topic, message);
    return sent(message, topic);
  }

  /** Throws ValidationError if the task has none. */
  requiredProducer(): Producer {
    if (this.producer !== undefined) return this.producer;
    throw new ValidationError(`${this.path}: has no producer; set it`);
  }

  /** Throws ValidationError if the task has none. */
  requiredTopic(): string {
    if (this.topic !== undefined) return this.topic;
    throw new ValidationError(`${this.path}: has no topic; set it, on the class or on the object`);
  }

  protected override work(): Promise<Result> {
    this.status = 'RUNNING';
    return super.work();
  }

  protected override ended(status: 'SUCCESS' | 'FAILED', result: Result): void | Promise<void> {
    this.status = status;
    return super.ended(status, result);
  }
}
