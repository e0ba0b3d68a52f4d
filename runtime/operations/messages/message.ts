import { z } from 'zod';
import { InternalError, ValidationError } from './operation-error';
import { Result, type ResultFields } from './result';

/** JSON that the code of tasks reads and writes. */
export type Fields = { readonly [key: string]: unknown };

const text = z.string('required, a string').min(1, 'required, got nothing');
const fields = z.record(z.string(), z.unknown());
const messageSchema = z.object(
  {
    uuid: text,
    entrypoint: text,
    params: fields.nullish(),
    result: z.unknown().optional(),
    metadata: fields.nullish(),
  },
  'want an object',
);

export interface MessageProps {
  readonly uuid: string;
  readonly entrypoint: string;
  readonly params?: Fields;
  /** Of the task before. */
  readonly result?: Result;
  readonly metadata?: Fields;
}

/**
 * Asks for the task or operation registered as `entrypoint`. JSON: `uuid`, `entrypoint`, and optionally `params` {}, `result`
 * and `metadata` {}. Other fields are ignored.
 */
export class Message {
  readonly uuid: string;
  readonly entrypoint: string;
  readonly params: Fields;
  readonly result: Result;
  readonly metadata: Fields;

  constructor({ uuid, entrypoint, params = {}, result, metadata = {} }: MessageProps) {
    this.uuid = uuid;
    this.entrypoint = entrypoint;
    this.params = params;
    this.result = result ?? new Result({ uuid });
    this.metadata = metadata;
  }

  /** Throws InternalError for text that is not JSON, and ValidationError for JSON that is no message. */
  static parse(raw: string): Message {
    let value: unknown;
    try {
      value = JSON.parse(raw);
    } catch (cause) {
      throw new InternalError(`message: not JSON (${(cause as Error).message})`, { cause });
    }
    const { data, error } = messageSchema.safeParse(value);
    if (data === undefined) {
      const [{ path, message } = { path: [], message: '' }] = error.issues;
      throw new ValidationError(`${['message', ...path].join('.')}: ${message}`);
    }
    const { uuid, entrypoint, params, result, metadata } = data;
    return new Message({
      uuid,
      entrypoint,
      ...(params ? { params } : {}),
      ...(result === undefined || result === null ? {} : { result: Result.fromJson(result, 'message.result') }),
      ...(metadata ? { metadata } : {}),
    });
  }

  with(changes: Partial<MessageProps>): Message {
    return new Message({ ...this, ...changes });
  }

  toJSON(): Required<Omit<MessageProps, 'result'>> & { readonly result: ResultFields } {
    const { uuid, entrypoint, params, result, metadata } = this;
    return { uuid, entrypoint, params, result: result.toJSON(), metadata };
  }

  /** `<entrypoint>[<uuid>]` */
  toString(): string {
    return `${this.entrypoint}[${this.uuid}]`;
  }
}
