/** A kind of objects: `{ apiVersion: 'apps/v1', kind: 'Deployment' }`. */
export interface KindRef {
  readonly apiVersion: string;
  readonly kind: string;
}

/** Identifies an object. The namespace defaults to that of the kubeconfig's context, else to `default`. */
export interface ObjectRef extends KindRef {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** An object of a manifest or of the API server. */
export interface KubernetesObject extends ObjectRef {
  readonly metadata: ObjectRef['metadata'] & {
    readonly labels?: { readonly [key: string]: string };
    readonly annotations?: { readonly [key: string]: string };
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
  readonly [field: string]: unknown;
}
