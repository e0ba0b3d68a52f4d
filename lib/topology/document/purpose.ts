/**
 * What a document is read for. `run`: secret values stay on this machine, and what is missing is filled in. `controller`: the
 * same, and a cluster does what this machine would not. `manifests`:
 * a server must be named, and a secret value must be one that a Secret can stand for. `manifests-without-secrets`: the same,
 * and no secret value at all.
 */
export type Purpose = 'run' | 'controller' | 'manifests' | 'manifests-without-secrets';
