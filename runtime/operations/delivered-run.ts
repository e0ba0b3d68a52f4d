import { z } from 'zod';
import type { Controller } from './controller';
import { type Entrypoint, type EntrypointClass, entrypointOf } from './entrypoint';
import type { Message } from './messages/message';
import {
  NotFoundError,
  OperationError,
  PayloadError,
  TransportError,
  ValidationError,
} from './messages/operation-error';
import { Result } from './messages/result';
import { Operation } from './operation';
import { emptyResult, OperationRun, placeKey } from './operation-run';
import type { Producer } from './producer';
import { Task, type TaskProps } from './task';
import type { Delivery } from './transport/transport';

/** What can be the name of a state. */
const keyForm = /^[A-Za-z0-9_=-]+$/;

/** A message that so many consumers have died of is failed by the next one. */
export const maxDeliveries = 5;

const placeSchema = z.object({ uuid: z.string(), index: z.int().nonnegative().optional(), run: z.int().positive() });

interface Ended {
  readonly result: Result;
  readonly message: Message;
}

/** A task whose class another consumer has. */
class ForeignTask extends Task {
  constructor(
    props: TaskProps,
    private readonly entrypoint: string,
  ) {
    super(props);
  }

  override get path(): string {
    return this.entrypoint;
  }
}

/**
 * Runs what a delivered message asks for, and stores what follows from it before the message is acked. Throws TransportError
 * where the message has to be delivered again.
 */
export class DeliveredRun {
  constructor(
    private readonly controller: Controller,
    private readonly producer: Producer,
    private readonly delivery: Delivery,
  ) {}

  async run(message: Message): Promise<void> {
    const { data: place } = placeSchema.safeParse(message.metadata[placeKey]);
    if (place?.index !== undefined) await this.runTask(message, { ...place, index: place.index });
    else if (place !== undefined) await this.endOperation(message.uuid, place.run);
    else {
      const kind = this.controller.entrypoints.get(message.entrypoint);
      if (isOperation(kind)) await this.runOperation(kind, message);
      else await this.runAlone(message);
    }
  }

  private async runAlone(asked: Message): Promise<void> {
    const { result, message } = await this.execute(asked);
    await this.answer(message, result);
  }

  private async answer(message: Message, result: Result): Promise<void> {
    const { topic, sequence } = this.delivery;
    const publish = (outcome: Result) =>
      this.producer.publishResult(topic, message.with({ result: outcome }), `${topic}/${sequence}/result`);
    await this.controller.settle(message, await this.fitting(message.uuid, result, publish));
  }

  /** What was stored: the result, or that it is too large. */
  private async fitting(uuid: string, result: Result, store: (outcome: Result) => Promise<void>): Promise<Result> {
    try {
      await store(result);
      return result;
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      const failure = Result.fromException(error, uuid);
      await store(failure);
      return failure;
    }
  }

  /** The message has the metadata that the task leaves. */
  private async execute(message: Message): Promise<Ended> {
    try {
      const { deliveries, topic } = this.delivery;
      if (deliveries > maxDeliveries) {
        const text = `worker lost: ${deliveries - 1} consumers ended without a result of this message`;
        throw new OperationError(text);
      }
      const task = this.adopt(entrypointOf(this.controller.find(message), message), topic);
      const result = await task.execute();
      const ended = { result, message: message.with({ metadata: task.metadata }) };
      JSON.stringify(ended); // what cannot be stored fails the task, which would be run again otherwise
      return ended;
    } catch (error) {
      return { result: Result.fromException(error, message.uuid), message };
    }
  }

  private async runTask(
    asked: Message,
    { uuid, index, run: number }: { readonly uuid: string; readonly index: number; readonly run: number },
  ): Promise<void> {
    const run = await OperationRun.load(this.producer, uuid);
    if (run === undefined) {
      const error = new NotFoundError(`operation ${uuid}: has no state, so its task is not run`);
      await this.controller.settle(asked, Result.fromException(error, asked.uuid));
      return;
    }
    const { sequence, topic } = this.delivery;
    if (await run.take(index, { sequence, run: number })) {
      const { result: returned, message } = await this.execute(asked);
      const result = await this.fitting(asked.uuid, returned, (outcome) =>
        run.complete(index, outcome, outcome === returned ? message.metadata : {}),
      );
      await this.producer.publishResult(topic, message.with({ result }), `${uuid}/${index}/${number}/result`);
      await this.controller.settle(message, result);
    } else await this.publishStored(asked, run, { index, number });
    await this.advance(run);
  }

  /** The result of a task whose consumer has died before it published what it had stored. A second one is dropped. */
  private async publishStored(
    asked: Message,
    { state }: OperationRun,
    { index, number }: { readonly index: number; readonly number: number },
  ): Promise<void> {
    const { sequence, topic } = this.delivery;
    const { result, ...task } = state.tasks[index] ?? { result: null, sequence: null };
    if (state.run !== number || task.sequence !== sequence || result === null) return;
    const message = asked.with({ result: new Result(result) });
    await this.producer.publishResult(topic, message, `${state.uuid}/${index}/${number}/result`).catch((error) => {
      if (!(error instanceof PayloadError)) throw error;
    });
  }

  private async runOperation(kind: EntrypointClass<Operation>, message: Message): Promise<void> {
    const { sequence, topic } = this.delivery;
    if (!keyForm.test(message.uuid)) {
      const text = `message.uuid: an operation's is of letters, digits, -, _ and =, got ${JSON.stringify(message.uuid)}`;
      return this.answer(message, Result.fromException(new ValidationError(text), message.uuid));
    }
    const known = await OperationRun.load(this.producer, message.uuid);
    if (known !== undefined && (known.state.status !== 'FAILED' || known.state.request === sequence)) {
      return this.advance(known);
    }
    const operation = this.adopt(entrypointOf(kind, message), topic);
    const hasTasks = known !== undefined && known.state.tasks.length > 0;
    try {
      await operation.begin(hasTasks);
    } catch (error) {
      return this.fail(operation, known, Result.fromException(error, message.uuid));
    }
    if (!hasTasks && operation.tasks.length === 0) return this.fail(operation, known, emptyResult(message.uuid));
    if (known === undefined) {
      const begun = await OperationRun.begin(this.producer, operation, { request: sequence }).catch((error) => {
        if (error instanceof TransportError) throw error;
        return Result.fromException(error, message.uuid); // its tasks are too large, or no JSON
      });
      return begun instanceof Result ? this.fail(operation, known, begun) : this.advance(begun);
    }
    await known.resume(sequence, hasTasks ? undefined : operation.tasks);
    return this.advance(known);
  }

  /** An operation of which no task can run ends at once. */
  private async fail(operation: Operation, known: OperationRun | undefined, result: Result): Promise<void> {
    const failed = await operation.fail(result);
    const { sequence } = this.delivery;
    const run = known ?? (await OperationRun.begin(this.producer, operation, { request: sequence, failed }));
    if (known !== undefined) {
      await run.resume(sequence);
      await run.end('FAILED', failed);
    }
    await this.publishOutcome(run);
    await this.controller.settle(run.message(), failed);
  }

  /** The last task has run on a consumer that does not know the operation, and sent it here to be ended. */
  private async endOperation(uuid: string, number: number): Promise<void> {
    const run = await OperationRun.load(this.producer, uuid);
    if (run?.state.run === number) await this.advance(run, true);
  }

  private async advance(run: OperationRun, isLast = false): Promise<void> {
    await run.advance((status, result) => this.end(run, { status, result, isLast }));
  }

  private async end(
    run: OperationRun,
    { status, result, isLast }: { status: 'SUCCESS' | 'FAILED'; result: Result; isLast: boolean },
  ): Promise<void> {
    const { uuid, entrypoint, topic, run: number } = run.state;
    const kind = this.controller.entrypoints.get(entrypoint);
    if (kind === undefined && !isLast) {
      await this.producer.publish(topic, run.message({ [placeKey]: { uuid, run: number } }), `${uuid}/${number}/end`);
      return;
    }
    if (!isOperation(kind)) await run.end(status, result);
    else if (!run.hasEnded) {
      await this.adopt(this.operationOf(kind, run), topic).end(run, status, result);
      await this.controller.settle(run.message(), run.result);
    }
    await this.publishOutcome(run);
  }

  private operationOf(kind: EntrypointClass<Operation>, run: OperationRun): Operation {
    const { uuid, params, metadata, status, tasks } = run.state;
    const made = tasks.map(({ entrypoint, result, topic: _, sequence: __, ...task }) => {
      const props = { ...task, ...(result === null ? {} : { result: new Result(result) }) };
      const own = this.controller.entrypoints.get(entrypoint);
      return isTask(own) ? new own(props) : new ForeignTask(props, entrypoint);
    });
    return new kind({ uuid, params, metadata, status, tasks: made });
  }

  private async publishOutcome(run: OperationRun): Promise<void> {
    const { uuid, run: number, topic } = run.state;
    await this.producer.publishResult(topic, run.message().with({ result: run.result }), `${uuid}/${number}/result`);
  }

  /** Lets a task send others where it came from. */
  private adopt<Kind extends Entrypoint>(task: Kind, topic: string): Kind {
    if (task instanceof Task) {
      task.producer ??= this.producer;
      task.topic ??= topic;
    }
    return task;
  }
}

function isTask(kind: EntrypointClass | undefined): kind is EntrypointClass<Task> {
  return kind !== undefined && kind.prototype instanceof Task;
}

function isOperation(kind: EntrypointClass | undefined): kind is EntrypointClass<Operation> {
  return kind !== undefined && kind.prototype instanceof Operation;
}
