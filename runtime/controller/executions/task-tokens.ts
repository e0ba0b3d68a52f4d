import { z } from 'zod';
import type { InstallationKey } from '../../installation/installation-key';
import type { StepRef } from './ports/step-ref';

/** The attempt of a step that a token stands for. */
export interface TaskToken extends StepRef {
  /** Somebody waits for the receipt. */
  readonly isReceiptDue: boolean;
}

const content = z.tuple([z.string(), z.int(), z.string(), z.int(), z.boolean(), z.string().optional()]);

/**
 * Tokens of task messages. A worker cannot read or make one, so that it reports only attempts that it was given; and a token
 * is valid only in the namespace that it was made for.
 */
export class TaskTokens {
  constructor(private readonly key: Pick<InstallationKey, 'seal' | 'open'>) {}

  make(namespace: string, { execution, run, step, attempt, isReceiptDue, head }: TaskToken): string {
    const text = JSON.stringify([execution, run, step, attempt, isReceiptDue, ...(head === undefined ? [] : [head])]);
    return this.key.seal(Buffer.from(text), contextOf(namespace)).toString('base64url');
  }

  /** Undefined for what is no token of the namespace. */
  read(namespace: string, token: string): TaskToken | undefined {
    try {
      const text = this.key.open(Buffer.from(token, 'base64url'), contextOf(namespace)).toString();
      const [execution, run, step, attempt, isReceiptDue, head] = content.parse(JSON.parse(text));
      return { execution, run, step, attempt, isReceiptDue, ...(head === undefined ? {} : { head }) };
    } catch {
      return undefined;
    }
  }
}

function contextOf(namespace: string): string {
  return `task of ${namespace}`;
}
