import { ConfigError } from '../../../../lib/errors';

/** Port of the API, if free. */
export const standardPort = 9080;

/** Ports of the command line; for the others, free ports are chosen and kept. */
export interface StackPorts {
  readonly port?: number | undefined;
  readonly natsPort?: number | undefined;
  readonly temporalPort?: number | undefined;
  readonly s3Port?: number | undefined;
}

/** Throws ConfigError when a server did not get the port of the command line. */
export function assertPort(option: string, requested: number | undefined, address: string): void {
  if (requested === undefined || address.endsWith(`:${requested}`)) return;
  throw new ConfigError(
    'config-invalid',
    `${option} ${requested}: the port is in use; end the other program, choose another port, or leave ${option} out`,
  );
}
