import { carriesSecret, quote } from '../problem/show-value';

/** The runtime, for functions that name no image. */
export const defaultImage = 'kflow:latest';

/** When Kubernetes pulls an image. */
export const imagePullPolicies = ['Always', 'IfNotPresent', 'Never'] as const;

/** A registry, a name in lower-case letters, a version and a digest. */
const reference = /^(([\w.-]+|\[[\da-fA-F:]+\])(:\d+)?\/)?[a-z\d][a-z\d._/-]*(:\w[\w.-]{0,127})?(@\w+:[\da-fA-F]+)?$/;

/** A user and password before the registry, which are not the digest after the version. */
const login = /^[^/@]*:[^/@]*@(?!\w+:[0-9a-f]+$)/i;

/** Whether the text of an image would show a password. */
export function exposesLogin(image: string): boolean {
  return carriesSecret(image) || login.test(image);
}

/** What is wrong with an image, to be read after its name: no container runtime takes it, or it would show a password. */
export function imageFault(image: string): string | undefined {
  if (exposesLogin(image)) {
    return 'contains a user and password, which would be visible in the manifests; remove them';
  }
  return reference.test(image) ? undefined : `must be as registry.example.org/name:version, got ${quote(image)}`;
}
