import { readFileSync } from 'node:fs';
import { usageError } from '../frame/exit-status';
import { BadValue, badValueMessage, httpUrl } from '../frame/values';
import { findStack } from '../local-stack/find-stack';
import type { ControllerAddress } from './controller-connection';

export interface AddressOptions {
  readonly url?: string;
  readonly token?: string;
  /** A file with the CAs of the controller's certificate, as PEM text. */
  readonly ca?: string;
}

const standardUrl = 'http://127.0.0.1:9080';

/**
 * The controller at `--url` or KFLOW_URL, else that of the stack that `kflow up` started in the folder or in a parent
 * folder, else the default address on this machine. Throws CommandError on an invalid address, token file or CA file.
 */
export async function findController(
  options: AddressOptions,
  { env, folder }: { readonly env: NodeJS.ProcessEnv; readonly folder: string },
): Promise<ControllerAddress> {
  const named = namedUrl(options.url, '--url') ?? namedUrl(env.KFLOW_URL, 'KFLOW_URL');
  const found = named ?? (await stackUrl(folder)) ?? { url: standardUrl };
  const token = options.token ?? env.KFLOW_TOKEN ?? tokenFile(env.KFLOW_TOKEN_FILE);
  const ca = options.ca === undefined ? caFile(env.KFLOW_CA, 'KFLOW_CA') : caFile(options.ca, '--ca');
  return { ...found, ...(token ? { token } : {}), ...(ca === undefined ? {} : { ca }) };
}

type NamedUrl = Pick<ControllerAddress, 'url' | 'from'>;

function namedUrl(text: string | undefined, from: string): NamedUrl | undefined {
  if (!text) return undefined;
  try {
    return { url: httpUrl(text), from };
  } catch (error) {
    if (error instanceof BadValue) throw usageError(badValueMessage(from, error, text));
    throw error;
  }
}

async function stackUrl(folder: string): Promise<NamedUrl | undefined> {
  const stack = await findStack(folder);
  return stack && { url: stack.url, from: stack.directory.file };
}

function caFile(file: string | undefined, from: string): string | undefined {
  if (!file) return undefined;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`${from}: cannot read ${file}: ${(error as Error).message}`);
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw usageError(`${from}: ${file} contains no certificate; want PEM text`);
}

function tokenFile(file: string | undefined): string | undefined {
  if (!file) return undefined;
  const token = readIfThere(file)?.trim();
  if (!token) throw usageError(`KFLOW_TOKEN_FILE: ${file} contains no token`);
  return token;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw usageError(`KFLOW_TOKEN_FILE: cannot read ${file}: ${message}`);
  }
}
