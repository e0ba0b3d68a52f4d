import { z } from 'zod';

const seconds = z.number().positive().max(86_400);
const port = z.int().min(0).max(65_535);

const s3Account = (use: string) =>
  z.strictObject({
    addr: z.string().describe(`\`host:port\` or URL of the object store that ${use}`),
    user: z.string(),
    password: z.string(),
  });

const clusterSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('kubernetes'),
    namespaces: z.array(z.string()).min(1).optional().describe('namespaces whose flows are run; left out: all'),
    kubeconfig: z.string().optional().describe("file; left out: `KUBECONFIG`, the user's own, the pod's account"),
    context: z.string().optional().describe('of the kubeconfig; left out: the current one'),
  }),
  z.strictObject({
    kind: z.literal('processes'),
    socket: z.string().describe('of the process node that `kflow up` hosts'),
  }),
]);

const accessSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('open').describe('`open` lets everybody do everything: on loopback only, where it is the default'),
  }),
  z.strictObject({
    kind: z.literal('tokens'),
    file: z.string().describe('file of the static tokens, read again when it changes'),
  }),
  z.strictObject({
    kind: z.literal('oidc'),
    issuer: z.string().describe('URL of the issuer of bearer tokens, as their `iss`'),
    audience: z.string().describe('their `aud` has to hold it'),
    rolesClaim: z
      .string()
      .optional()
      .describe('claim with roles or groups, within another with dots; left out: `kflow_role`, and `groups`'),
    nameClaim: z
      .string()
      .optional()
      .describe('claim that names the caller; left out: `preferred_username`, else `email`, else `sub`'),
    roles: z
      .record(z.string(), z.enum(['view', 'operate', 'admin']))
      .optional()
      .describe('role by the value of the claim; left out: the values `view`, `operate` and `admin` are the roles'),
  }),
]);

/** The settings of a controller; `settings.ts` reads them, and the table in docs/controller.md is made of it. */
export const controllerSettingsSchema = z.strictObject({
  listen: z.strictObject({
    host: z.string().describe('default `127.0.0.1`; in a pod `0.0.0.0`'),
    port: port.default(9080).describe('of the API; 0 is any that is free'),
  }),
  nats: z.strictObject({
    url: z.string().describe('address of nats, as `nats://host:4222`; several separated by commas'),
    replicas: z
      .int()
      .min(1)
      .max(5)
      .optional()
      .describe("copies of every stream, whatever a topology says; left out: the topology's"),
  }),
  temporal: z.strictObject({
    address: z.string().describe('`host:7233` of the frontend'),
    namespace: z.string().default('default').describe('it has to exist'),
    taskQueue: z
      .string()
      .default('kflow')
      .describe('the same for all controllers that share the flows, and for no others'),
    tls: z
      .strictObject({
        caFile: z
          .string()
          .optional()
          .describe(
            "certificate of the server's authority; left out: the system's. TLS is used when `temporal.tls` is there, `{}` included",
          ),
        certFile: z.string().optional().describe('certificate of this client'),
        keyFile: z.string().optional().describe('its key'),
        serverName: z.string().optional().describe("name in the server's certificate, when it is another"),
      })
      .optional(),
    apiKeyFile: z.string().optional().describe('file with an API key, for which TLS is used'),
    historyLength: z
      .int()
      .min(10)
      .max(40_000)
      .default(4_000)
      .describe('events after which the workflow of a flow goes on in another run'),
  }),
  cluster: clusterSchema.prefault({ kind: 'kubernetes' }),
  pods: z
    .strictObject({
      image: z.string().default('kflow:latest').describe('image of the runtime, for functions that name none'),
      natsUrl: z.string().optional().describe('address of nats as the pods see it; left out: `nats.url`'),
    })
    .prefault({}),
  s3: z
    .strictObject({
      override: s3Account('takes the place of every one that a topology names: the embedded one').optional(),
      default: s3Account('serves where a topology names none').optional(),
      messageBucket: z.string().optional().describe('bucket of message stores that name none'),
    })
    .prefault({}),
  access: accessSchema,
  times: z
    .strictObject({
      pauseGraceSeconds: seconds
        .default(30)
        .describe(
          'how long a pause waits until what sources gave is processed; of flows that are submitted from then on',
        ),
      readySeconds: seconds
        .default(120)
        .describe(
          'how long an update may take to get ready before it is taken back; of flows that are submitted from then on',
        ),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL']).default('INFO'),
      format: z.enum(['json', 'text']).default('json'),
    })
    .prefault({}),
});

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

export type ControllerSettings = DeepReadonly<z.infer<typeof controllerSettingsSchema>>;
