import type { ResourceValue, SecretValue } from '../../define/cdk8s-values';
import { defaultImage } from '../../topology/document/image';
import { nameOf } from '../require-resources';

/** How the API of a controller in a cluster authenticates its clients. */
export type ControllerAccess =
  /** `secret`: a Secret whose key `tokens.yaml` is a list of `{name, role, token | sha256, namespaces?}`. */
  | { readonly kind: 'tokens'; readonly secret: string | SecretValue }
  | {
      readonly kind: 'oidc';
      readonly issuer: string;
      readonly audience: string;
      /** Default: `kflow_role`, then `groups`. */
      readonly rolesClaim?: string;
      /** Roles by value of the claim; default: the values are the roles. */
      readonly roles?: { readonly [value: string]: 'view' | 'operate' | 'admin' };
    };

export interface ControllerInstallProps {
  readonly access: ControllerAccess;
  /** Address of NATS from within the controller and the pods of flows. */
  readonly natsUrl: string;
  /** Secrets of the controller's namespace with the credentials of NATS, keyed as `FlowProps.natsSecrets`. Default: no login. */
  readonly natsSecrets?: readonly (string | SecretValue)[];
  /** The same for the pods of flows, by the name in the namespace of each flow; default: the names of `natsSecrets`. */
  readonly podNatsSecrets?: readonly string[];
  /**
   * `operator`, `config`: an account of nats for each namespace; the controller must manage Secrets in those of flows
   * (`watchNamespaces`, `secretNamespaces`). Default: `shared`, one account for everything.
   */
  readonly natsAccounts?: 'operator' | 'config';
  /** JetStream domain; default: that of the server. */
  readonly natsDomain?: string;
  /** `host:port` of Temporal's frontend. */
  readonly temporalAddress: string;
  /** Namespace of the controller; default `kflow`. */
  readonly namespace?: string;
  /** The namespace exists; default false: the manifests create it, with the Pod Security Standard *restricted*. */
  readonly hasNamespace?: boolean;
  /** Image of the controller and the runtime; default `kflow:latest`. */
  readonly image?: string;
  /** Secrets by which the image is pulled, here and, by the same names, in the namespaces of flows. */
  readonly imagePullSecrets?: readonly (string | ResourceValue)[];
  /**
   * Existing PriorityClass of the controller's pods. Default: `kflow-controller`, which the manifests create, so that flows
   * cannot starve the controller; with `watchNamespaces` none, because it would be an object of the whole cluster.
   */
  readonly priorityClassName?: string;
  /** Secret of the type `kubernetes.io/tls` with the certificate of the API; default: HTTP. */
  readonly tlsSecret?: string | SecretValue;
  /**
   * Task queue on the Temporal server, one for each installation; default: `kflow` in the namespace `kflow`, else `kflow-` and
   * the namespace.
   */
  readonly taskQueue?: string;
  /** Replicas of the controller; default 2. */
  readonly replicas?: number;
  /**
   * Namespaces of the flows that the controller runs, with a Role in each; default: all, with a ClusterRole that does not
   * cover Secrets.
   */
  readonly watchNamespaces?: readonly string[];
  /**
   * Without `watchNamespaces`: where the controller may manage Secrets, which flows with passwords need. Names of namespaces,
   * with a RoleBinding in each, or `all`, with a ClusterRoleBinding; default: none. A RoleBinding of the ClusterRole
   * `kflow-flow-secrets` adds a namespace later.
   */
  readonly secretNamespaces?: readonly string[] | 'all';
  /** Existing Secret whose key `key` is the installation key; default: `kflow-installation`, which the controller makes. */
  readonly keySecret?: string | SecretValue;
  /** Secret whose `KFLOW_CONTROLLER_…` keys are settings; all keys are also files in `/etc/kflow/secrets`. */
  readonly settingsSecret?: string | SecretValue;
  /** `host:port` of object stores where the controller creates buckets. NATS, Temporal, the issuer and the API server are allowed. */
  readonly egress?: readonly string[];
}

type Defaults =
  | 'namespace'
  | 'image'
  | 'natsSecrets'
  | 'podNatsSecrets'
  | 'imagePullSecrets'
  | 'taskQueue'
  | 'replicas'
  | 'egress';

/** The props of an installation with their defaults. */
export type CompleteInstallProps = ControllerInstallProps & Required<Pick<ControllerInstallProps, Defaults>>;

export function completeInstall(props: ControllerInstallProps): CompleteInstallProps {
  const { namespace = 'kflow', image = defaultImage, natsSecrets = [], imagePullSecrets = [] } = props;
  const { podNatsSecrets = natsSecrets.map(nameOf), replicas = 2, egress = [] } = props;
  const { taskQueue = namespace === 'kflow' ? 'kflow' : `kflow-${namespace}` } = props;
  return { ...props, namespace, image, natsSecrets, podNatsSecrets, imagePullSecrets, taskQueue, replicas, egress };
}
