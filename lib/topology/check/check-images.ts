import { entriesOf, type PlainMap } from '../../plain-map';
import { sectionOf } from '../document/complete-topology';
import type { Draft } from '../document/draft';
import type { DocumentPath } from '../problem/problem';
import { carriesSecret, quote } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';
import { containersOf } from './check-container';

/** A registry, a name in lower-case letters, a version and a digest. */
const reference = /^(([\w.-]+|\[[\da-fA-F:]+\])(:\d+)?\/)?[a-z\d][a-z\d._/-]*(:\w[\w.-]{0,127})?(@\w+:[\da-fA-F]+)?$/;

/** A user and password before the registry, which are not the digest after the version. */
const login = /^[^/@]*:[^/@]*@(?!\w+:[0-9a-f]+$)/i;

/** Whether the text of an image would show a password. */
function exposesLogin(image: string): boolean {
  return carriesSecret(image) || login.test(image);
}

/** What is wrong with an image, to be read after its name: no container runtime takes it, or it would show a password. */
export function imageFault(image: string): string | undefined {
  if (exposesLogin(image)) {
    return 'contains a user and password, which would be visible in the manifests; remove them';
  }
  return reference.test(image) ? undefined : `must be as registry.example.org/name:version, got ${quote(image)}`;
}

/** Checks the images of functions, sidecars and the pod for step-by-step runs. */
export function checkImages(draft: Draft, problems: ProblemList): void {
  const check = ({ image }: PlainMap, path: DocumentPath) => {
    if (typeof image !== 'string' || image === '') return;
    const message = imageFault(image);
    if (message === undefined) return;
    const code = exposesLogin(image) ? 'secret-exposed' : 'setting-invalid';
    problems.add({ code, path: [...path, 'image'], message });
  };
  const config = (globalConfig: PlainMap, path: DocumentPath) => {
    check(globalConfig, path);
    for (const name of ['messageStore', 'devStore']) check(sectionOf(globalConfig, name), [...path, name]);
  };
  config(draft.globalConfig, ['globalConfig']);
  for (const { raw, globalConfig, path } of draft.functions) {
    check(raw, path);
    config(globalConfig, [...path, 'globalConfig']);
  }
  for (const { container, path } of containersOf(draft)) {
    for (const [index, sidecar] of entriesOf(container.sidecars)) check(sidecar, [...path, 'sidecars', index]);
  }
}
