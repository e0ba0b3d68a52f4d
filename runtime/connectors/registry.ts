import { ConfigError } from '../../lib/errors';
import type { FunctionType } from '../../lib/topology/function-types/function-type';
import type { EndpointOf, SinkConnector, SinkType, SourceConnector, SourceType } from './connector';
import { connector as elasticSink } from './elastic-sink';
import { connector as fsSource } from './fs-source';
import { connector as natsSink } from './nats-sink';
import { connector as rawSource } from './raw-source';
import { connector as s3Sink } from './s3-sink';

/** The connector of each source. A type without one does not compile. */
const sourceConnectors: { readonly [Type in SourceType]: SourceConnector<EndpointOf<Type>> } = {
  'fs-source': fsSource,
  'raw-source': rawSource,
};

/** The connector of each sink. A type without one does not compile. */
const sinkConnectors: { readonly [Type in SinkType]: SinkConnector<EndpointOf<Type>> } = {
  's3-sink': s3Sink,
  'elastic-sink': elasticSink,
  'nats-sink': natsSink,
};

export const sourceTypes = Object.keys(sourceConnectors) as readonly SourceType[];
export const sinkTypes = Object.keys(sinkConnectors) as readonly SinkType[];

/** Throws ConfigError when this version does not run the type. */
export function sourceConnector(type: FunctionType): SourceConnector {
  return find<SourceConnector>(sourceConnectors, type);
}

/** Throws ConfigError when this version does not run the type. */
export function sinkConnector(type: FunctionType): SinkConnector {
  return find<SinkConnector>(sinkConnectors, type);
}

function find<Connector>(connectors: { readonly [type: string]: Connector }, type: FunctionType): Connector {
  const connector = connectors[type];
  if (connector === undefined) throw new ConfigError('not-run-yet', `this version does not run the type ${type}`);
  return connector;
}
