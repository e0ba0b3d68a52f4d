import { readFileSync } from 'node:fs';
import { findStack } from '../commands/stack/find-stack';
import { usageError } from '../exit-status';

export interface AddressOptions {
  readonly url?: string;
  readonly token?: string;
}

/** Where a controller is, and what tells it who asks. */
export interface ControllerAddress {
  /** Without a slash at its end. */
  readonly url: string;
  /** What named the address, for messages; left out when nothing did. */
  readonly from?: string;
  readonly token?: string;
}

const standard: NamedUrl = { url: 'http://127.0.0.1:9080' };

/**
 * The controller that `--url` or KFLOW_URL names, else that of the stack of `kflow up` that runs in the folder or one
 * above it, else the standard address of this machine. Throws CommandError on an address that is none.
 */
export async function findController(
  options: AddressOptions,
  { env, folder }: { readonly env: NodeJS.ProcessEnv; readonly folder: string },
): Promise<ControllerAddress> {
  const named = namedUrl(options.url, '--url') ?? namedUrl(env.KFLOW_URL, 'KFLOW_URL');
  const found = named ?? (await stackUrl(folder)) ?? standard;
  const { protocol } = URL.canParse(found.url) ? new URL(found.url) : { protocol: '' };
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw usageError(`${found.from}: "${found.url}" is no address of a controller; write http://host:port`);
  }
  const token = options.token ?? env.KFLOW_TOKEN ?? tokenFile(env.KFLOW_TOKEN_FILE);
  return { ...found, url: found.url.replace(/\/+$/, ''), ...(token ? { token } : {}) };
}

type NamedUrl = Pick<ControllerAddress, 'url' | 'from'>;

function namedUrl(url: string | undefined, from: string): NamedUrl | undefined {
  return url ? { url, from } : undefined;
}

async function stackUrl(folder: string): Promise<NamedUrl | undefined> {
  const stack = await findStack(folder);
  return stack && { url: stack.url, from: stack.directory.file };
}

function tokenFile(file: string | undefined): string | undefined {
  if (!file) return undefined;
  const token = readIfThere(file)?.trim();
  if (!token) throw usageError(`KFLOW_TOKEN_FILE: there is no token in ${file}`);
  return token;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw usageError(`${file} cannot be read: ${message}`);
  }
}
