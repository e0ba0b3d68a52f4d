/** An object as Kubernetes takes it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: { readonly [name: string]: string };
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

/** An object but its metadata. */
export interface ManifestBody {
  readonly apiVersion: string;
  readonly kind: string;
  readonly [key: string]: unknown;
}
