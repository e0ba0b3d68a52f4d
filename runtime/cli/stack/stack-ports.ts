import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../../lib/errors';

/** Where the API listens when nobody else does. */
export const usualPort = 9080;

/** Ports that were asked for by name; the others are free ones, which are kept. */
export interface StackPorts {
  readonly port?: number;
  readonly natsPort?: number;
  readonly temporalPort?: number;
  readonly s3Port?: number;
}

/** Has the server that keeps its data in this folder try a port first: a wished one always, the usual one the first time. */
export function wishPort(dataDir: string, wished: number | undefined, usual?: number): void {
  const file = path.join(dataDir, 'port');
  mkdirSync(dataDir, { recursive: true });
  const port = wished ?? (existsSync(file) ? undefined : usual);
  if (port !== undefined) writeFileSync(file, `${port}\n`);
}

/** Throws ConfigError when a server got another port than the one that was asked for. */
export function assertWishedPort(option: string, wished: number | undefined, address: string): void {
  if (wished === undefined || address.endsWith(`:${wished}`)) return;
  throw new ConfigError(
    'config-invalid',
    `${option} ${wished}: another program listens there; end it, ask for another port, or leave ${option} out`,
  );
}
