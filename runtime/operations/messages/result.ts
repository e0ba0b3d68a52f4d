import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { matchesPath, selectValues } from '../../../lib/tasks/guards/match-json-path';
import { parseJsonPath } from '../../../lib/tasks/guards/parse-json-path';
import { errorFields, NotFoundError, OperationError, ValidationError } from './operation-error';

/** A result as JSON. */
export interface ResultFields {
  readonly uuid: string;
  readonly retcode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly retval: { readonly [key: string]: unknown };
}

const resultSchema = z.object({
  uuid: z.string().nullish(),
  retcode: z.int().nullish(),
  stdout: z.string().nullish(),
  stderr: z.string().nullish(),
  retval: z.record(z.string(), z.unknown()).nullish(),
});

/**
 * What a task returned. `retcode` 0 is success, everything else failure. `retval` is a JSON object, and what later tasks of the
 * operation see.
 */
export class Result implements ResultFields {
  readonly uuid: string;
  readonly retcode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly retval: { readonly [key: string]: unknown };

  constructor({ uuid, retcode = 0, stdout = '', stderr = '', retval = {} }: Partial<ResultFields> = {}) {
    this.uuid = uuid ?? randomUUID();
    this.retcode = retcode;
    this.stdout = stdout;
    this.stderr = stderr;
    this.retval = retval;
  }

  /** A failed result: the code and the message of what was thrown, and the error as `retval.error`. */
  static fromException(thrown: unknown, uuid?: string): Result {
    const error = errorFields(thrown);
    const own = thrown instanceof OperationError ? error.extra.uuid : undefined;
    return new Result({
      ...(typeof own === 'string' ? { uuid: own } : uuid === undefined ? {} : { uuid }),
      retcode: error.code,
      stderr: error.message,
      retval: { error },
    });
  }

  /** Throws ValidationError for a value that is no result. Fields that are not known are ignored. */
  static fromJson(value: unknown, where = 'result'): Result {
    const { data, error } = resultSchema.safeParse(value);
    if (data !== undefined) {
      return new Result(Object.fromEntries(Object.entries(data).filter(([, each]) => each !== null)));
    }
    const [{ path, message } = { path: [], message: '' }] = error.issues;
    throw new ValidationError(`${[where, ...path].join('.')}: ${message}`);
  }

  toJSON(): ResultFields {
    const { uuid, retcode, stdout, stderr, retval } = this;
    return { uuid, retcode, stdout, stderr, retval };
  }

  /**
   * Folds a newer result into this one, into a third: the higher code, regardless of its sign, the values of both (the newer ones win), and each of the
   * newer texts that is not empty. The uuid is that of this one.
   */
  plus(newer: Result | undefined): Result {
    if (newer === undefined) return this;
    return new Result({
      uuid: this.uuid,
      retcode: Math.abs(newer.retcode) > Math.abs(this.retcode) ? newer.retcode : this.retcode,
      stdout: newer.stdout || this.stdout,
      stderr: newer.stderr || this.stderr,
      retval: { ...this.retval, ...newer.retval },
    });
  }

  /**
   * The value at a path of `retval` (`order.lines[0].price`, `$..price`); a list of them if it selects several. Without any,
   * the default; NotFoundError if there is none.
   */
  searchValue(path: string, ...[fallback]: readonly [unknown?]): unknown {
    const from = path.startsWith('$') ? path : `$${/^[.[]/.test(path) ? '' : '.'}${path}`;
    const compiled = parseJsonPath(from);
    if (!matchesPath(compiled, this.retval)) {
      if (fallback !== undefined) return fallback;
      throw new NotFoundError(`${path}: the result has no such value`, { extra: { uuid: this.uuid } });
    }
    const found = [...selectValues(compiled, this.retval)];
    return found.length === 1 ? found[0] : found;
  }

  toString(): string {
    return this.retcode === 0 ? this.stdout : this.stderr;
  }
}
