import { z } from 'zod';
import type { StepId } from '../../../lib/tasks/advance/step-id';
import type { InstallationKey } from '../../installation/installation-key';

/** The attempt of a step that a token stands for. */
export interface TaskToken {
  readonly execution: string;
  readonly run: number;
  readonly step: StepId;
  readonly attempt: number;
  /** Somebody waits for the receipt. */
  readonly isReceiptDue: boolean;
}

const content = z.tuple([z.string(), z.int(), z.string(), z.int(), z.boolean()]);

/**
 * Tokens of task messages. A worker cannot read or make one, so that it reports only attempts that it was given; and a token
 * is valid only in the namespace that it was made for.
 */
export class TaskTokens {
  constructor(private readonly key: Pick<InstallationKey, 'seal' | 'open'>) {}

  make(namespace: string, { execution, run, step, attempt, isReceiptDue }: TaskToken): string {
    const text = JSON.stringify([execution, run, step, attempt, isReceiptDue]);
    return this.key.seal(Buffer.from(text), contextOf(namespace)).toString('base64url');
  }

  /** Undefined for what is no token of the namespace. */
  read(namespace: string, token: string): TaskToken | undefined {
    try {
      const text = this.key.open(Buffer.from(token, 'base64url'), contextOf(namespace)).toString();
      const [execution, run, step, attempt, isReceiptDue] = content.parse(JSON.parse(text));
      return { execution, run, step, attempt, isReceiptDue };
    } catch {
      return undefined;
    }
  }
}

function contextOf(namespace: string): string {
  return `task of ${namespace}`;
}
