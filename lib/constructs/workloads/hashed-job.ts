import { ApiObject, type ApiObjectProps } from 'cdk8s';
import type { Construct } from 'constructs';
import type { Manifest } from '../manifest';
import { contentHash } from '../metadata';

/** A pod of a Job adds its index, up to 99999, to the name of the Job, and the host name of the pod has at most 63 characters. */
const maxNameLength = 57;
const hashLength = 8;

/** Fields of a Job's spec that may change while it runs. */
const mutable = ['parallelism', 'suspend', 'backoffLimit', 'activeDeadlineSeconds', 'ttlSecondsAfterFinished'];

/**
 * A Job whose name ends with the hash of its spec, and the ConfigMap of its pods with the same ending.
 *
 * I1. A Job is immutable, so a changed one is another object: an apply creates it beside the old one, and a prune removes
 *     the old one. Pods that the old one still starts read the old ConfigMap.
 * I2. The hash covers the spec as it is rendered, with every patch of the program, except what Kubernetes lets change.
 */
export class HashedJob extends ApiObject {
  constructor(
    scope: Construct,
    id: string,
    props: ApiObjectProps,
    private readonly configMap: string,
  ) {
    super(scope, id, props);
  }

  /** The name with the ending of the Job's. */
  hashed(name: string): string {
    return withHash(name, (super.toJson() as JobManifest).spec);
  }

  override toJson(): Manifest {
    const { metadata, spec, ...others } = super.toJson() as JobManifest;
    const { template, ...rest } = spec;
    const configMap = withHash(this.configMap, spec);
    const volumes = template.spec.volumes.map((volume) =>
      volume.configMap?.name === this.configMap
        ? { ...volume, configMap: { ...volume.configMap, name: configMap } }
        : volume,
    );
    return {
      ...others,
      metadata: { ...metadata, name: withHash(metadata.name, spec) },
      spec: { ...rest, template: { ...template, spec: { ...template.spec, volumes } } },
    };
  }
}

function withHash(name: string, spec: object): string {
  const content = Object.entries(spec).filter(([key]) => !mutable.includes(key));
  const hash = contentHash(JSON.stringify(content)).slice(0, hashLength);
  return `${name.slice(0, maxNameLength - hashLength - 1).replace(/-+$/, '')}-${hash}`;
}

interface JobManifest extends Manifest {
  readonly spec: {
    readonly template: {
      readonly spec: { readonly volumes: readonly { readonly configMap?: { readonly name?: string } }[] };
    };
  };
}

/** An object whose name has the same ending as that of a Job. */
export class NamedWithJob extends ApiObject {
  constructor(
    scope: Construct,
    id: string,
    props: ApiObjectProps,
    private readonly job: () => HashedJob,
  ) {
    super(scope, id, props);
  }

  override toJson(): Manifest {
    const { metadata, ...others } = super.toJson() as Manifest;
    return { ...others, metadata: { ...metadata, name: this.job().hashed(metadata.name) } };
  }
}
