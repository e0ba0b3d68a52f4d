import { type ExecutionKey, executionName } from '../../api-contract/execution-key';
import type { Answer, Answers, Question } from '../../controller/executions/ports/execution-workflow';

/** Undefined when the workflow does not run. */
type Ask = (key: ExecutionKey, questions: readonly Question[]) => Promise<readonly Answer[] | undefined>;

interface Waiting {
  readonly question: Question;
  readonly resolve: (answer: Answer | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** In one request, since the answers to all come in one message. */
const maxAsked = 100;

/**
 * Asks the workflows of executions. Temporal takes few updates of a workflow at a time: what is asked while one is under way goes
 * with the next.
 */
export class ExecutionQuestions {
  private readonly waiting = new Map<string, Waiting[]>();

  constructor(private readonly request: Ask) {}

  /** Undefined when the workflow does not run. Rejects as the request does. */
  ask<Kind extends Question['kind']>(
    key: ExecutionKey,
    question: Extract<Question, { kind: Kind }>,
  ): Promise<Answers[Kind] | undefined> {
    return new Promise((resolve, reject) => {
      const entry = { question, resolve: resolve as Waiting['resolve'], reject };
      const name = executionName(key);
      const known = this.waiting.get(name);
      if (known !== undefined) {
        known.push(entry);
        return;
      }
      const waiting = [entry];
      this.waiting.set(name, waiting);
      void this.askAll(key, waiting);
    });
  }

  private async askAll(key: ExecutionKey, waiting: Waiting[]): Promise<void> {
    while (waiting.length > 0) {
      const asked = waiting.splice(0, maxAsked);
      try {
        const answers = await this.request(
          key,
          asked.map(({ question }) => question),
        );
        for (const [index, { resolve }] of asked.entries()) resolve(answers?.[index]);
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    this.waiting.delete(executionName(key));
  }
}
