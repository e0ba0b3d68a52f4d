import { ConfigError } from '../../../../lib/errors';

/** Where the API listens when nobody else does. */
export const usualPort = 9080;

/** Ports that were asked for by name; the others are free ones, which are kept. */
export interface StackPorts {
  readonly port?: number;
  readonly natsPort?: number;
  readonly temporalPort?: number;
  readonly s3Port?: number;
}

/** Throws ConfigError when a server got another port than the one that was asked for. */
export function assertWishedPort(option: string, wished: number | undefined, address: string): void {
  if (wished === undefined || address.endsWith(`:${wished}`)) return;
  throw new ConfigError(
    'config-invalid',
    `${option} ${wished}: another program listens there; end it, ask for another port, or leave ${option} out`,
  );
}
