import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError } from '../../../lib/errors';
import { presentPid } from './presence';
import { StackDirectory } from './stack-directory';

const stackSchema = z.object({
  version: z.literal(1),
  pid: z.int().describe('of the supervisor'),
  url: z.string().describe('of the API'),
  nats: z.string(),
  temporal: z.string(),
  s3: z.object({ endpoint: z.string(), user: z.string(), password: z.string() }),
  search: z.string().optional().describe('URL of the search server, which the first flow that needs it starts'),
  socket: z.string().describe('of the process node'),
});

/** The addresses of a stack that `kflow up` started. */
export type Stack = Readonly<z.infer<typeof stackSchema>>;

export interface FoundStack extends Stack {
  readonly directory: StackDirectory;
}

/** The stack that runs in `.kflow` of this folder or of the nearest parent folder, or undefined. */
export async function findStack(folder: string): Promise<FoundStack | undefined> {
  for (const directory of StackDirectory.above(folder)) {
    const found = await stackIn(directory);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The stack of this folder; undefined unless its supervisor is alive and all servers have become ready. */
export async function stackIn(directory: StackDirectory): Promise<FoundStack | undefined> {
  const stack = readStack(directory.file);
  if (stack === undefined || (await presentPid(directory)) !== stack.pid) return undefined;
  return { ...stack, directory };
}

/** Writes the stack file, readable only by its owner because it contains the password of the object store. */
export function writeStack(directory: StackDirectory, stack: Stack): void {
  const made = `${directory.file}.${process.pid}`;
  writeFileSync(made, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 });
  renameSync(made, directory.file);
}

function readStack(file: string): Stack | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = stackSchema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    'config-invalid',
    `${file} was written by another version of kflow; end the stack with that version`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // the schema rejects undefined, with a message
    return undefined;
  }
}
