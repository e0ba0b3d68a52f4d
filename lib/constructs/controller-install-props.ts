import type { SecretValue } from '../define/cdk8s-values';

/** Who may use the API of a controller in a cluster. */
export type ControllerAccess =
  /** `secret` has the key `tokens.yaml`: a list of `{name, role, token | sha256, namespaces?}`. */
  | { readonly kind: 'tokens'; readonly secret: string | SecretValue }
  | {
      readonly kind: 'oidc';
      readonly issuer: string;
      readonly audience: string;
      /** Left out: `kflow_role`, and `groups`. */
      readonly rolesClaim?: string;
      /** Role by a value of the claim; left out: the values are the roles. */
      readonly roles?: { readonly [value: string]: 'view' | 'operate' | 'admin' };
    };

export interface ControllerInstallProps {
  readonly access: ControllerAccess;
  /** Address of nats as the controller and the pods of flows see it. */
  readonly natsUrl: string;
  /** `host:port` of Temporal's frontend. */
  readonly temporalAddress: string;
  /** Where the controller runs; default `kflow`. */
  readonly namespace?: string;
  /** The namespace is there already; default false: it is made, with Pod Security *restricted*. */
  readonly hasNamespace?: boolean;
  /** Image of the controller and the runtime; default `kflow:latest`. */
  readonly image?: string;
  /** Of the controller; default 2. */
  readonly replicas?: number;
  /** Namespaces whose flows it runs, where it gets its rights; default: all, by a ClusterRole. */
  readonly watchNamespaces?: readonly string[];
  /** Secret whose `KFLOW_CONTROLLER_…` keys are settings, and whose keys are files below `/etc/kflow/secrets`. */
  readonly settingsSecret?: string | SecretValue;
  /** `host:port` of object stores that it makes buckets at, beside nats, Temporal, the issuer and the API server. */
  readonly egress?: readonly string[];
}
