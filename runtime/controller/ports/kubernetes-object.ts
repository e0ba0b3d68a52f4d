/** What names a kind, as `{ apiVersion: 'apps/v1', kind: 'Deployment' }`. */
export interface KindRef {
  readonly apiVersion: string;
  readonly kind: string;
}

/** What names an object. Without a namespace, an object of a namespaced kind is in the context's, else in `default`. */
export interface ObjectRef extends KindRef {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** An object as a manifest or the API server writes it, which has more metadata; it is its own reference. */
export interface KubernetesObject extends ObjectRef {
  readonly metadata: ObjectRef['metadata'] & {
    readonly labels?: { readonly [key: string]: string };
    readonly annotations?: { readonly [key: string]: string };
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
  readonly [field: string]: unknown;
}
