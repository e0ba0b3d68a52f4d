import type { ExitStatus } from '../../../runtime/cli/frame/exit-status';
import { runProgram } from '../../../runtime/cli/frame/run-program';
import { groups } from '../../../runtime/cli/registry';

const schema = '{"type":"record","name":"n","fields":[{"name":"n","type":"long"}]}';

const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';

/** A topology without problems. */
export const topology = `jobId: words
dag:
  - { id: list, type: raw-source, schema: '${schema}', ${code}, out: [leaf] }
  - { id: leaf, type: raw, image: leaf:1, ${code} }
`;

/** The same topology with one error. */
export const invalidTopology = topology.replace('type: raw,', 'type: rwa,');

/** The same topology with one warning. */
export const warnedTopology = topology.replace(`, ${code} }`, ' }');

interface CommandResult {
  readonly status: ExitStatus;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of `kflow` in this process. One at a time, because the output of the process is redirected. */
export async function kflow(...words: readonly string[]): Promise<CommandResult> {
  const written = { stdout: '', stderr: '' };
  const redirects = (['stdout', 'stderr'] as const).map((name) =>
    jest.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text);
      return true;
    }),
  );
  try {
    const status = await runProgram(groups, words);
    return { status, ...written };
  } finally {
    for (const redirect of redirects) redirect.mockRestore();
  }
}
