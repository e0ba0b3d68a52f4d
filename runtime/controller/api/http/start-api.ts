import type { AddressInfo } from 'node:net';
import { ConfigError } from '../../../../lib/errors';
import { isLoopback } from '../access/is-loopback';
import { type ApiProps, createApi } from './create-api';

export interface StartApiProps extends ApiProps {
  readonly host: string;
  /** 0 is any that is free. */
  readonly port: number;
}

export interface RunningApi {
  /** With a name or address that this machine reaches it by. */
  readonly url: string;
  readonly port: number;
  /** Ends streams, lets other requests be answered, and resolves when the port is free. */
  close(): Promise<void>;
}

/** Resolves when the API answers. Throws ConfigError when it cannot listen there, or when everybody could do everything there. */
export async function startApi({ host, port, ...props }: StartApiProps): Promise<RunningApi> {
  if (props.access.kind === 'open' && !isLoopback(host)) {
    const message = `the API would listen on ${host} and ask nobody for a token, so that whoever reaches it is its admin; set access to a file of tokens or an OIDC issuer, or have it listen on 127.0.0.1`;
    throw new ConfigError('config-invalid', message);
  }
  const app = createApi(props);
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    throw refusalOf(host, port, cause as NodeJS.ErrnoException);
  }
  const address = app.server.address() as AddressInfo;
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const url = `http://${name.includes(':') ? `[${name}]` : name}:${address.port}`;
  return { url, port: address.port, close: () => app.close() };
}

function refusalOf(host: string, port: number, cause: NodeJS.ErrnoException): ConfigError {
  const why = cause.code === 'EADDRINUSE' ? 'it is in use' : cause.message;
  return new ConfigError('config-invalid', `port ${port} of ${host} cannot be listened on: ${why}`, { cause });
}
