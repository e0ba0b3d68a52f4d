import swagger, { type SwaggerTransform } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { stringify } from 'yaml';
import { packageVersion } from '../../../package-root';
import { completeOpenapi, type Json, topologyRef } from './complete-openapi';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its body is a topology, JSON or YAML. */
    readonly takesTopology?: true;
    /** Headers of its answers when it went well, and what they say. */
    readonly headers?: { readonly [name: string]: string };
  }
}

const info = {
  title: 'KFlow controller',
  version: packageVersion,
  description:
    'Submits, changes and watches flows. A topology has more rules than its schema says: each one that is broken is a problem of the answer.',
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
};

/** The page loads what it needs from here, and nothing from elsewhere. */
const pagePolicy = {
  'default-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'style-src': ["'self'", "'unsafe-inline'"],
  'frame-ancestors': ["'none'"],
};

/** What the page offers to be submitted: every field at once would be no topology. */
const exampleTopology = {
  mode: 'batch',
  globalConfig: { store: { addr: 'minio.default.svc:9000', user: 'minioadmin', password: 'minioadmin' } },
  dag: [
    { id: 'list', type: 'fs-source', format: 'list', topics: 's3a://texts', out: ['results'] },
    { id: 'results', type: 's3-sink', topics: 's3a://results' },
  ],
};

/** OpenAPI of every route that is added after it, made of their schemas, and a page that shows it at /docs. */
export function describeRoutes(app: FastifyInstance, isOpen: boolean): void {
  const bearer = { type: 'http', scheme: 'bearer', description: 'a token of the file, or of the OIDC issuer' } as const;
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

/** What zod's schemas do not say of a route is in its config. */
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
    ...(role === undefined
      ? { description, security: [] }
      : { description: [description, `Needs the role \`${role}\`.`].filter(Boolean).join(' ') }),
    ...(takesTopology === true ? { body: topology } : {}),
    ...(response === undefined ? {} : { response: withHeaders(response as Json, headers) }),
  };
  return { schema: described as FastifySchema, url };
};

function withHeaders(response: Json, headers: { readonly [name: string]: string } = {}): Json {
  const described = Object.entries(headers).map(([name, description]) => [name, { type: 'string', description }]);
  if (described.length === 0) return response;
  const answers = Object.entries(response).map(([status, answer]) =>
    status.startsWith('2')
      ? [status, { ...(answer as Json), headers: Object.fromEntries(described) }]
      : [status, answer],
  );
  return Object.fromEntries(answers);
}
