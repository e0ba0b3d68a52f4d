import { ConfigError } from '../../lib/errors';
import type { FunctionSpec, S3Connection } from '../../lib/plan/function-spec';
import { descriptorOf } from '../../lib/topology/function-types/function-type';
import { passwordIdentity } from '../adapters/jetstream/access/nats-login';
import { SubjectWriter } from '../adapters/jetstream/publishing/subject-writer';
import { S3ObjectStore } from '../adapters/s3/object-store';
import { SearchClient } from '../adapters/search/search-client';
import type { Endpoint, ObjectStoreEndpoint, SearchEndpoint, SubjectEndpoint } from '../connectors/connector';
import type { Log } from '../engine/ports/host';
import type { ReplicaEnvironment } from './environment';

/** The replica of a connector. */
export interface EndpointContext {
  readonly environment: Pick<ReplicaEnvironment, 'env' | 'nats' | 'replica' | 'progressPercent'>;
  readonly log: Log;
}

/**
 * The endpoint of a function's connector, with the credentials from the environment variables that the spec names. Throws
 * ConfigError, which names the variables that are not set.
 */
export function resolveEndpoint(spec: FunctionSpec, context: EndpointContext): Endpoint {
  const { connectsTo } = descriptorOf(spec.type);
  switch (connectsTo) {
    case 'object-store':
      return objectStoreEndpoint(spec, context);
    case 'search-server':
      return searchEndpoint(spec, context.environment.env);
    case 'nats-server':
      return subjectEndpoint(spec, context);
    case 'nothing':
      return undefined;
  }
}

/** Throws ConfigError, which names the variables that are not set. */
export function openObjectStore(connection: S3Connection, { environment, log }: EndpointContext): S3ObjectStore {
  const { env, progressPercent } = environment;
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
    ...(progressPercent === undefined ? {} : { progress: { stepPercent: progressPercent, log } }),
  });
}

function objectStoreEndpoint({ endpoint, function: id }: FunctionSpec, context: EndpointContext): ObjectStoreEndpoint {
  if (endpoint === undefined) throw new ConfigError('config-invalid', `${id}: the spec has no endpoint`);
  return { store: openObjectStore(endpoint, context), topics: endpoint.topics };
}

function searchEndpoint(spec: FunctionSpec, env: NodeJS.ProcessEnv): SearchEndpoint {
  const { addr, topics, user, password, ca } = readTarget(spec, env);
  if (addr === undefined) throw new ConfigError('config-invalid', `${spec.function}: the spec has no address`);
  return { server: new SearchClient({ addr, user, password, ca }), topics };
}

/** Without an address, the server is the flow's own. */
function subjectEndpoint(spec: FunctionSpec, { environment, log }: EndpointContext): SubjectEndpoint {
  const { addr, topics, user, password = '', ca } = readTarget(spec, environment.env);
  const own = addr === undefined ? environment.nats : { url: addr, ca };
  const access = user === undefined ? own : { ...own, identity: passwordIdentity(user, password) };
  const name = `${spec.namespace}/${spec.jobId}/${spec.function}-${environment.replica}, target`;
  return { server: new SubjectWriter(access, name, (text) => log('WARNING', text)), topics };
}

interface Target {
  readonly addr?: string;
  readonly topics: string;
  readonly user?: string;
  readonly password?: string;
  readonly ca?: string;
}

/** A server without credentials in the spec is open. */
function readTarget({ target = {}, function: id }: FunctionSpec, env: NodeJS.ProcessEnv): Target {
  const { addr, topics, userEnv, passwordEnv, caEnv } = target;
  if (topics === undefined) throw new ConfigError('config-invalid', `${id}: the spec has no topics`);
  const names = [userEnv, passwordEnv, caEnv].filter((name) => name !== undefined);
  const values = variables(names, env, addr ?? 'the server');
  const read = (name: string | undefined) => (name === undefined ? undefined : values[name]);
  return { addr, topics, user: read(userEnv), password: read(passwordEnv), ca: read(caEnv) ?? target.ca };
}

function variables(names: readonly string[], env: NodeJS.ProcessEnv, addr: string): { [name: string]: string } {
  const missing = names.filter((name) => env[name] === undefined);
  if (missing.length > 0) {
    const message = `environment: ${missing.join(' and ')} not set; set the credentials for ${addr}`;
    throw new ConfigError('setting-missing', message);
  }
  return Object.fromEntries(names.map((name) => [name, env[name] ?? '']));
}
