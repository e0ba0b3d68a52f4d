import { ConfigError } from '../../lib/errors';
import type { FunctionSpec, S3Connection } from '../../lib/plan/function-spec';
import { descriptorOf } from '../../lib/topology/function-types/function-type';
import { S3ObjectStore } from '../adapters/s3/object-store';
import type { Endpoint, ObjectStoreEndpoint, ServerEndpoint } from '../connectors/connector';

/**
 * The endpoint of a function's connector, with the credentials from the environment variables that the spec names. Throws
 * ConfigError, which names the variables that are not set.
 */
export function resolveEndpoint(spec: FunctionSpec, env: NodeJS.ProcessEnv): Endpoint {
  const { connectsTo } = descriptorOf(spec.type);
  switch (connectsTo) {
    case 'object-store':
      return objectStoreEndpoint(spec, env);
    case 'server':
      return serverEndpoint(spec, env);
    case 'nothing':
      return undefined;
  }
}

/** Throws ConfigError, which names the variables that are not set. */
export function openObjectStore(connection: S3Connection, env: NodeJS.ProcessEnv): S3ObjectStore {
  const { addr, region, pathStyle } = connection;
  const { userEnv, passwordEnv, sessionTokenEnv, caEnv } = connection;
  const names = [userEnv, passwordEnv, sessionTokenEnv, caEnv].filter((name) => name !== undefined);
  const values = variables(names, env, addr);
  const read = (name: string | undefined) => (name === undefined ? undefined : values[name]);
  return new S3ObjectStore({
    addr,
    user: read(userEnv),
    password: read(passwordEnv),
    sessionToken: read(sessionTokenEnv),
    region,
    ca: read(caEnv) ?? connection.ca,
    pathStyle,
  });
}

function objectStoreEndpoint({ endpoint, function: id }: FunctionSpec, env: NodeJS.ProcessEnv): ObjectStoreEndpoint {
  if (endpoint === undefined) throw new ConfigError('config-invalid', `${id}: the spec has no endpoint`);
  return { store: openObjectStore(endpoint, env), topics: endpoint.topics };
}

/** A server without credentials in the spec is open. */
function serverEndpoint({ target = {} }: FunctionSpec, env: NodeJS.ProcessEnv): ServerEndpoint {
  const { addr, topics, userEnv, passwordEnv } = target;
  const names = [userEnv, passwordEnv].filter((name) => name !== undefined);
  const values = variables(names, env, addr ?? 'the server');
  return {
    ...(addr === undefined ? {} : { addr }),
    ...(topics === undefined ? {} : { topics }),
    ...(userEnv === undefined ? {} : { user: values[userEnv] }),
    ...(passwordEnv === undefined ? {} : { password: values[passwordEnv] }),
  };
}

function variables(names: readonly string[], env: NodeJS.ProcessEnv, addr: string): { [name: string]: string } {
  const missing = names.filter((name) => env[name] === undefined);
  if (missing.length > 0) {
    const message = `environment: ${missing.join(' and ')} not set; set the credentials for ${addr}`;
    throw new ConfigError('setting-missing', message);
  }
  return Object.fromEntries(names.map((name) => [name, env[name] ?? '']));
}
