import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createApi } from '../../../../runtime/controller/api/api-server';
import { RevisionController } from '../../../../runtime/controller/revisions/service/revision-controller';
import { MemoryExecutions } from '../../../support/memory-executions';
import { MemoryFlows } from '../../../support/memory-flows';
import { MemoryRevisionStore } from '../../../support/memory-revision-store';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema: object }[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: { readonly [type: string]: { readonly schema: object } };
  };
  readonly responses: { readonly [status: string]: { readonly description: string; readonly content?: object } };
  readonly security?: readonly object[];
}

interface Openapi {
  readonly openapi: string;
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
  readonly components: { readonly schemas: { readonly [name: string]: object }; readonly securitySchemes: object };
  readonly security: readonly object[];
}

let openapi: Openapi;
let text: string;
const routes: string[] = [];
const app = createApi({
  service: new MemoryFlows(),
  executions: new MemoryExecutions(),
  revisions: new RevisionController(new MemoryRevisionStore()),
  access: { kind: 'authenticated', authenticator: { identify: async () => undefined } },
  log: () => undefined,
});
beforeAll(async () => {
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (schema?.hide !== true) for (const each of [method].flat()) routes.push(`${each} ${url}`);
  });
  await app.ready();
  text = (await app.inject('/openapi.json')).body;
  openapi = JSON.parse(text);
});
afterAll(() => app.close());

const operations = () =>
  Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

test('describes every route, and nothing else', () => {
  const described = operations().map(({ path, method }) => `${method.toUpperCase()} ${path}`);
  const served = routes.map((route) => route.replace(/:(\w+)/g, '{$1}')).filter((route) => !/^HEAD|\/docs/.test(route));
  expect(served.length).toBeGreaterThan(20);
  expect(described.sort()).toEqual(served.sort());
});

test('is OpenAPI 3.1, and every reference resolves', () => {
  expect(openapi.openapi).toBe('3.1.0');
  const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference = '']) => reference);
  expect(references.length).toBeGreaterThan(50);
  for (const reference of references) {
    const [root, ...keys] = reference.split('/');
    expect(root).toBe('#');
    const found = keys.reduce<unknown>((part, key) => (part as { [key: string]: unknown } | undefined)?.[key], openapi);
    expect([reference, typeof found]).toEqual([reference, 'object']);
  }
  expect(text).not.toContain('nullable');
  expect(Object.keys(openapi.components.schemas)).toEqual(
    expect.arrayContaining(['FlowStatus', 'Problem', 'Topology']),
  );
});

test('gives every operation a unique id, its parameters, described responses and problems', () => {
  const names = operations().map(({ operation }) => operation.operationId);
  expect(new Set(names).size).toBe(names.length);
  for (const { path, operation } of operations()) {
    const { summary, tags, parameters = [], responses, operationId, security } = operation;
    expect([operationId, summary, tags]).toEqual([operationId, expect.any(String), [expect.any(String)]]);
    const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`);
    expect(inPath.sort()).toEqual((path.match(/\{\w+\}/g) ?? []).sort());
    for (const { description } of Object.values(responses)) expect(description).toMatch(/\w \w/);
    expect(Object.keys(responses).some((status) => status.startsWith('2'))).toBe(true);
    if (security !== undefined) continue;
    for (const status of ['401', '403', '500', '503']) {
      expect(responses[status]?.content).toEqual({
        'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
      });
    }
  }
});

test('requires a role for every route, or says that none is needed', () => {
  for (const { path: url, operation } of operations()) {
    const needed =
      operation.security?.length === 0 ? 'none' : /Requires the role `(\w+)`/.exec(operation.description ?? '')?.[1];
    expect([url, needed]).toEqual([url, expect.stringMatching(/^(none|view|operate|admin)$/)]);
  }
});

test('lets every change by a caller with a role have a comment and an idempotency key', () => {
  const isFree = ({ operation }: ReturnType<typeof operations>[number]) => operation.security?.length === 0;
  const changes = operations().filter((each) => each.method !== 'get' && !isFree(each));
  expect(changes.length).toBeGreaterThan(8);
  for (const { operation } of changes) {
    const names = operation.parameters?.map((parameter) => `${parameter.in} ${parameter.name}`);
    expect(names).toEqual(expect.arrayContaining(['query comment', 'header kflow-comment', 'header idempotency-key']));
  }
});

/** The routes of docs/api.md, each with the first role that its row names. */
function documentedRoutes(): string[] {
  const page = readFileSync(path.join(__dirname, '../../../../docs/api.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(GET|POST|DELETE) (\S+)` \| [A-Z].*\. \| (.+) \|$/gm)];
  return rows.map(([, method, url = '', role = '']) => {
    const full = url.replace('…', '/kflows/v1/{namespace}/{jobId}');
    return `${method} ${full} ${role === 'none' ? 'none' : /^`(\w+)`/.exec(role)?.[1]}`;
  });
}

test('docs/api.md has one row with its role for each route, and no other row', () => {
  const served = operations().map(({ path: url, method, operation }) => {
    const role = /Requires the role `(\w+)`/.exec(operation.description ?? '')?.[1];
    return `${method.toUpperCase()} ${url} ${role ?? 'none'}`;
  });
  expect(documentedRoutes().sort()).toEqual(served.sort());
});

test('requires a token everywhere but for probes, metrics, itself, and the end of a task, which has a token of its own', () => {
  expect(openapi.security).toEqual([{ bearer: [] }]);
  expect(openapi.components.securitySchemes).toMatchObject({ bearer: { type: 'http', scheme: 'bearer' } });
  const free = operations().filter(({ operation }) => operation.security?.length === 0);
  expect(free.map(({ path }) => path).sort()).toEqual([
    '/',
    '/apispec.json',
    '/executions/results/v1/{namespace}',
    '/healthz',
    '/metrics',
    '/openapi.json',
    '/readyz',
  ]);
});

test('takes topologies in JSON or YAML, and marks bodies without required fields as optional', () => {
  const schema = { $ref: '#/components/schemas/Topology' };
  const content = { 'application/json': { schema }, 'application/yaml': { schema } };
  const path = '/kflows/v1/{namespace}/{jobId}';
  expect(openapi.paths[path]?.post?.requestBody).toEqual({ required: true, content });
  expect(openapi.paths['/kflows/update/v1']?.post?.requestBody).toEqual({ required: true, content });
  expect(openapi.paths[`${path}/pause`]?.post?.requestBody?.required).toBe(false);
  expect(openapi.paths[`${path}/replay`]?.post?.requestBody?.required).toBe(true);
  expect(openapi.components.schemas.Topology).toMatchObject({
    title: 'KFlow topology',
    properties: { dag: expect.anything() },
  });
});

test('is shown by a page that loads nothing from other hosts', async () => {
  const page = await app.inject('/docs');
  expect(page.statusCode).toBe(200);
  expect(page.headers['content-security-policy']).toContain("default-src 'self'");
  const sources = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source = '']) => source);
  expect(sources.length).toBeGreaterThan(3);
  for (const source of sources) {
    expect(source).toMatch(/^\/docs\/static\//);
    expect([source, (await app.inject(source)).statusCode]).toEqual([source, 200]);
  }
  expect((await app.inject('/docs/json')).json()).toEqual(openapi);
  expect((await app.inject('/docs/static/swagger-initializer.js')).body).toMatch(/validatorUrl: null/);
});
