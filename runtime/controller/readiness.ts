import type { FlowStore } from './flows/ports/flow-store';
import type { FlowWorkflows } from './flows/ports/flow-workflow';

const patienceMs = 3_000;

export interface ReadinessParts {
  readonly workflows: Pick<FlowWorkflows, 'ping'>;
  readonly store: Pick<FlowStore, 'ping'>;
  readonly worker: { isRunning(): boolean };
}

/** What keeps a controller from its work, in one line each; none when it can work. */
export async function whyNotReady({ workflows, store, worker }: ReadinessParts): Promise<readonly string[]> {
  const answers = await Promise.all([
    whySilent('Temporal', workflows.ping()),
    whySilent('nats', store.ping()),
    ...(worker.isRunning() ? [] : ['the Temporal worker does not ask for work']),
  ]);
  return answers.filter((answer) => answer !== undefined);
}

/** Undefined when it answers in time. */
async function whySilent(name: string, ping: Promise<void>): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`${name} has not answered for ${patienceMs / 1_000} s`), patienceMs);
  });
  const answer = ping.then(
    () => undefined,
    (error: Error) => `${name}: ${error.message}`,
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
