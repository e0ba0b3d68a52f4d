import { z } from 'zod';
import { installationSecret, taskQueueName } from '../../../lib/plan/controller-requirements';
import { defaultImage, imagePullPolicies } from '../../../lib/topology/document/image';

const seconds = z.number().positive().max(86_400);
const port = z.int().min(0).max(65_535);

const requestAddress = /^([\w-]+\/)?[\w-]+=https?:\/\/[^/\s@]+(\/\S*)?$/;

const s3Account = (use: string) =>
  z.strictObject({
    addr: z.string().describe(`\`host:port\` or URL of the object store that ${use}`),
    user: z.string().describe('access key'),
    password: z.string().describe('secret key'),
    sessionToken: z.string().optional().describe('session token of temporary credentials'),
    region: z.string().optional().describe('region; default: the one that the server names'),
    ca: z
      .string()
      .optional()
      .describe('certificates of the CAs to trust, as PEM text or as a path that exists here and in the pods'),
    pathStyle: z.boolean().optional().describe('`false` makes the bucket a part of the host name; default: `true`'),
  });

const clusterSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('kubernetes'),
    namespaces: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('namespaces whose flows this controller runs; default: all'),
    kubeconfig: z
      .string()
      .optional()
      .describe("kubeconfig file; default: `KUBECONFIG`, `~/.kube/config`, or the pod's service account"),
    context: z.string().optional().describe('context of the kubeconfig; default: the current context'),
  }),
  z.strictObject({
    kind: z.literal('processes'),
    socket: z.string().describe('socket of the process node that `kflow up` runs'),
  }),
]);

const accountsSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('shared')
      .describe(
        '`shared` uses one account for everything; with the others, each namespace has its own: made by the controller (`operator`), or in the file of `kflow nats-config` (`config`). Default: `shared`',
      ),
  }),
  z.strictObject({
    kind: z.literal('operator'),
    operatorKeyFile: z
      .string()
      .optional()
      .describe('signing key (seed) of the operator of nats; default: derived from the installation key'),
    systemCredentials: z
      .string()
      .optional()
      .describe(
        'folder of credential files for the system account of nats; default: derived from the installation key',
      ),
    loginHours: z
      .number()
      .positive()
      .max(8_760)
      .default(24)
      .describe('how long the login of a flow is valid; renewed after half of the time'),
    limits: z
      .strictObject({
        storageBytes: z.int().positive().optional().describe('bytes that the streams of a namespace may hold'),
        connections: z.int().positive().optional().describe('connections of a namespace'),
      })
      .prefault({}),
  }),
  z.strictObject({ kind: z.literal('config') }),
]);

const accessSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('open').describe('`open` makes every caller an admin; allowed and the default on loopback only'),
  }),
  z.strictObject({
    kind: z.literal('tokens'),
    file: z.string().describe('file with static tokens; reloaded when it changes'),
  }),
  z.strictObject({
    kind: z.literal('oidc'),
    issuer: z.string().describe('URL of the OIDC issuer, as in the `iss` claim of its tokens'),
    audience: z.string().describe('value that the `aud` claim must contain'),
    rolesClaim: z
      .string()
      .optional()
      .describe('claim with roles or groups, as a path with dots; default: `kflow_role` and `groups`'),
    nameClaim: z
      .string()
      .optional()
      .describe("claim with the caller's name; default: `preferred_username`, else `email`, else `sub`"),
    roles: z
      .record(z.string(), z.enum(['view', 'operate', 'admin']))
      .optional()
      .describe('role by claim value; default: the values are the roles `view`, `operate` and `admin`'),
  }),
]);

/** The settings of a controller. The table in docs/controller.md is generated from this schema. */
export const controllerSettingsSchema = z.strictObject({
  listen: z.strictObject({
    host: z.string().describe('address of the API; default: `127.0.0.1`, in a pod `0.0.0.0`'),
    port: port.default(9080).describe('port of the API; 0 picks a free port'),
    tls: z
      .strictObject({
        certFile: z
          .string()
          .describe('certificate of the API with its intermediate CAs, as PEM text; reloaded when it changes'),
        keyFile: z.string().describe('private key of the certificate; reloaded with it'),
      })
      .optional(),
    shutdownDelaySeconds: z
      .number()
      .min(0)
      .max(300)
      .describe(
        'after SIGTERM, how long the API still accepts connections while it is not ready, so that none is refused during a rollout; default: 0, in a pod 5',
      ),
  }),
  nats: z.strictObject({
    url: z.string().describe('URL of NATS, as `nats://host:4222` or `tls://host:4222`; separate several with commas'),
    credentials: z
      .string()
      .optional()
      .describe(
        'folder of credential files: `user` and `password`, or `token`, `nats.creds` or `nkey`; `ca.crt`; `tls.crt` and `tls.key`. Default: no login',
      ),
    domain: z.string().optional().describe('JetStream domain; default: that of the server'),
    replicas: z
      .int()
      .min(1)
      .max(5)
      .optional()
      .describe('replicas of every stream, overriding the topology; default: as in the topology'),
    accounts: accountsSchema.prefault({ kind: 'shared' }),
  }),
  temporal: z.strictObject({
    address: z.string().describe('`host:port` of the Temporal frontend'),
    namespace: z.string().default('default').describe('Temporal namespace; must exist'),
    taskQueue: z
      .string()
      .regex(taskQueueName, 'expected letters, digits, dots, hyphens and underscores')
      .default('kflow')
      .describe(
        'task queue; the same for all controllers of an installation, and for no others, which is checked at the start',
      ),
    tls: z
      .strictObject({
        caFile: z
          .string()
          .optional()
          .describe(
            "CA certificate of the server; default: the system's. Setting `temporal.tls`, even to `{}`, enables TLS",
          ),
        certFile: z.string().optional().describe('client certificate'),
        keyFile: z.string().optional().describe('key of the client certificate'),
        serverName: z
          .string()
          .optional()
          .describe('server name in the certificate, if it differs from the address, or if that is an IP address'),
      })
      .optional(),
    apiKeyFile: z.string().optional().describe('file with an API key; enables TLS; read again when it changes'),
    historyLength: z
      .int()
      .min(10)
      .max(40_000)
      .default(4_000)
      .describe('history events after which the workflow of a flow continues as new'),
  }),
  installation: z
    .strictObject({
      keyFile: z
        .string()
        .optional()
        .describe(
          'file with the installation key; default: the key `key` of the Secret below, which is made if it is missing',
        ),
      secret: z
        .string()
        .default(installationSecret)
        .describe('Secret with the installation key, on a cluster without `installation.keyFile`'),
      namespace: z
        .string()
        .optional()
        .describe("namespace of that Secret; default: the controller's own, else that of the kubeconfig's context"),
    })
    .prefault({}),
  cluster: clusterSchema.prefault({ kind: 'kubernetes' }),
  pods: z
    .strictObject({
      image: z.string().default(defaultImage).describe('runtime image of functions without an image of their own'),
      natsUrl: z.string().optional().describe('URL of NATS from within pods; default: `nats.url`'),
      imagePullSecrets: z
        .array(z.string())
        .optional()
        .describe('names of Secrets in the namespaces of flows, by which their images are pulled'),
      imagePullPolicy: z
        .enum(imagePullPolicies)
        .optional()
        .describe('when images are pulled, for functions without a policy'),
      runAsUser: z
        .union([z.literal('cluster'), z.coerce.number().int().positive()])
        .optional()
        .describe('uid of pods; `cluster`: assigned by the cluster, as OpenShift requires; default: 1000'),
      natsSecrets: z
        .array(z.string())
        .optional()
        .describe(
          'Secrets with the files of `nats.credentials` for pods, in the namespace of each flow; default: no login',
        ),
    })
    .prefault({}),
  s3: z
    .strictObject({
      override: s3Account(
        'replaces every object store of a topology; `kflow up` sets it to the embedded one',
      ).optional(),
      default: s3Account('is used where a topology names none').optional(),
      messageBucket: z.string().optional().describe('bucket of message stores without a bucket of their own'),
    })
    .prefault({}),
  requests: z
    .strictObject({
      addresses: z
        .array(z.string().regex(requestAddress, 'expected CATEGORY=URL or ENVIRONMENT/CATEGORY=URL'))
        .optional()
        .describe(
          'addresses of the services that `request:*` names by a `category`, as `crm=https://crm.example.com/v1`, or `test/crm=…` in an environment',
        ),
    })
    .prefault({}),
  access: accessSchema,
  times: z
    .strictObject({
      pauseGraceSeconds: seconds
        .default(30)
        .describe('how long a pause waits for the records in progress; applies to flows submitted afterwards'),
      readySeconds: seconds
        .default(120)
        .describe(
          'how long an update may take to become ready before it is rolled back; applies to flows submitted afterwards',
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
