import swagger, { type SwaggerTransform } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { stringify } from 'yaml';
import { topologyJsonSchema } from '../../../../lib/topology/document/topology-json-schema';
import { packageVersion } from '../../../package-root';

type Json = { readonly [key: string]: unknown };

const topologyRef = { $ref: '#/components/schemas/Topology' };

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is a topology, JSON or YAML. */
    readonly takesTopology?: true;
    /** Headers of successful responses, with descriptions. */
    readonly headers?: { readonly [name: string]: string };
  }
}

const info = {
  title: 'KFlow controller',
  version: packageVersion,
  description:
    'Submits, changes and watches flows. Topologies have rules beyond their JSON Schema: a rejected topology is returned with all of its problems.',
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
};

/** The page loads scripts and styles from the controller only. */
const pagePolicy = {
  'default-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'style-src': ["'self'", "'unsafe-inline'"],
  'frame-ancestors': ["'none'"],
};

/** Example of a body on the page; an example generated from the schema would not be a valid topology. */
const exampleTopology = {
  mode: 'batch',
  globalConfig: { store: { addr: 'minio.default.svc:9000', user: 'minioadmin', password: 'minioadmin' } },
  dag: [
    { id: 'list', type: 'fs-source', format: 'list', topics: 's3a://texts', out: ['results'] },
    { id: 'results', type: 's3-sink', topics: 's3a://results' },
  ],
};

/** Generates OpenAPI from the schemas of all routes added from now on, and serves a page with it at /docs. */
export function describeRoutes(app: FastifyInstance, isOpen: boolean): void {
  const bearer = {
    type: 'http',
    scheme: 'bearer',
    description: 'a token from the token file or from the OIDC issuer',
  } as const;
  void app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info,
      components: { securitySchemes: { bearer } },
      security: isOpen ? [] : [{ bearer: [] }],
    },
    convertConstToEnum: false,
    transform: describeRoute,
    transformObject: (document) => completeOpenapi(jsonSchemaTransformObject(document) as Json),
  });
  void app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { docExpansion: 'list', tryItOutEnabled: true, layout: 'BaseLayout' },
    theme: { title: info.title },
    staticCSP: pagePolicy,
  });
}

/** Adds the role, the topology as body, and the headers from a route's config. */
const describeRoute: SwaggerTransform = (route) => {
  const { schema, url } = jsonSchemaTransform(route as Parameters<typeof jsonSchemaTransform>[0]);
  const { role, takesTopology, headers } = route.route.config ?? {};
  const { description, response, ...rest } = schema as Json;
  const topology = {
    content: {
      'application/json': { schema: topologyRef, example: exampleTopology },
      'application/yaml': { schema: topologyRef, example: stringify(exampleTopology) },
    },
  };
  const described = {
    ...rest,
    ...(role === undefined || role === 'anyone'
      ? { description, security: [] }
      : { description: [description, `Requires the role \`${role}\`.`].filter(Boolean).join(' ') }),
    ...(takesTopology === true ? { body: topology } : {}),
    ...(response === undefined ? {} : { response: withHeaders(response as Json, headers) }),
  };
  return { schema: described as FastifySchema, url };
};

function withHeaders(response: Json, headers: { readonly [name: string]: string } = {}): Json {
  const described = Object.entries(headers).map(([name, description]) => [name, { type: 'string', description }]);
  if (described.length === 0) return response;
  const responses = Object.entries(response).map(([status, body]) =>
    status.startsWith('2') ? [status, { ...(body as Json), headers: Object.fromEntries(described) }] : [status, body],
  );
  return Object.fromEntries(responses);
}

interface Operation {
  readonly requestBody?: { readonly content: { readonly [type: string]: { readonly schema: Json } } };
}

interface Openapi {
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
  readonly components: { readonly schemas: { readonly [name: string]: Json } };
}

/** Adds the topology's schema, removes unreferenced schemas, and marks bodies without required fields as optional. */
function completeOpenapi(document: Json): Json {
  const { paths, components } = document as unknown as Openapi;
  // keywords of a whole schema document
  const { $schema: _, $id: __, ...topology } = topologyJsonSchema();
  const schemas = referred(paths, { ...components.schemas, Topology: topology });
  const relaxed = Object.entries(paths).map(([path, operations]) => [
    path,
    Object.fromEntries(Object.entries(operations).map(([method, operation]) => [method, withOptionalBody(operation)])),
  ]);
  return { ...document, paths: Object.fromEntries(relaxed), components: { ...components, schemas } };
}

function withOptionalBody(operation: Operation): Operation {
  const schema = operation.requestBody?.content['application/json']?.schema;
  if (schema === undefined || '$ref' in schema || 'required' in schema) return operation;
  return { ...operation, requestBody: { ...operation.requestBody, required: false } as Operation['requestBody'] };
}

/** The schemas that the paths refer to, directly or through other schemas. */
function referred(paths: Json, schemas: { readonly [name: string]: Json }): { readonly [name: string]: Json } {
  const found = new Set<string>();
  const visit = (part: unknown): void => {
    for (const [, name = ''] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (found.has(name)) continue;
      found.add(name);
      visit(schemas[name]);
    }
  };
  visit(paths);
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => found.has(name)));
}
