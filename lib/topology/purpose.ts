/**
 * What a document is read for. `run`: secret values stay on this machine, and what is missing is filled in. `manifests`:
 * a server must be named, and a secret value must be one that a Secret can stand for. `manifests-without-secrets`: the same,
 * and no secret value at all.
 */
export type Purpose = 'run' | 'manifests' | 'manifests-without-secrets';
