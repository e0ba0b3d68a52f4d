import { childrenOf, entriesOf, isPlainMap, type PlainMap } from '../../plain-map';
import type { Draft, Purpose } from '../document/draft';
import type { DocumentPath } from '../problem/problem';
import { carriesCredentials, isSecretSetting } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';
import { containersOf } from './check-container';

const sections = ['store', 'messageStore', 'devStore'];

/** Finds secrets in places that are shown, and passwords in documents that must not contain any. */
export function checkSecrets(draft: Draft, problems: ProblemList, purpose: Purpose): void {
  const check = new SecretCheck(problems, purpose);
  check.connections(draft.globalConfig, ['globalConfig']);
  for (const { container, path } of containersOf(draft)) check.container(container, path);
  for (const each of draft.functions) {
    check.connection(each.raw, each.path);
    check.connections(each.globalConfig, [...each.path, 'globalConfig']);
    check.meta(each.meta, [...each.path, 'meta']);
  }
}

/** Whether a variable holds a secret, judging by its name and value. */
export function isSecretVariable({ name, value }: { readonly name?: unknown; readonly value?: unknown }): boolean {
  return typeof value === 'string' && isSecretSetting(String(name), value);
}

class SecretCheck {
  constructor(
    private readonly problems: ProblemList,
    private readonly purpose: Purpose,
  ) {}

  connections(config: PlainMap, path: DocumentPath): void {
    for (const name of sections) {
      const section = config[name];
      if (isPlainMap(section)) this.connection(section, [...path, name]);
    }
    const { sideStream } = config;
    if (isPlainMap(sideStream)) this.address(sideStream, [...path, 'sideStream']);
  }

  connection(map: PlainMap, path: DocumentPath): void {
    this.address(map, path);
    if (map.secret !== undefined && (map.user !== undefined || map.password !== undefined)) {
      const message = '"secret" replaces user and password; remove one or the other';
      this.problems.add({ code: 'setting-invalid', path: [...path, 'secret'], message, at: 'key' });
    }
    this.ways(map, path);
    if (this.purpose !== 'manifests-without-secrets') return;
    const message = 'this document must not contain passwords; name a Secret of the namespace: "secret: NAME"';
    for (const key of ['password', 'sessionToken']) if (map[key] !== undefined) this.expose([...path, key], message);
  }

  /** Checks that the ways to give credentials are not mixed. */
  private ways(map: PlainMap, path: DocumentPath): void {
    const refuse = (key: string, message: string) =>
      this.problems.add({ code: 'setting-invalid', path: [...path, key], message, at: 'key' });
    if (map.secret !== undefined && map.sessionToken !== undefined) {
      refuse('sessionToken', 'with "secret", the token is a key of the Secret: "secretKeys: [sessionToken]"');
    }
    if (map.secretKeys !== undefined && map.secret === undefined) {
      refuse('secretKeys', 'these are keys of a Secret; add "secret: NAME"');
    }
    const others = ['user', 'password', 'sessionToken', 'secret'].filter((key) => map[key] !== undefined);
    if (map.auth !== undefined && others.length > 0) {
      refuse('auth', `"auth: environment" replaces ${others.join(' and ')}; remove one or the other`);
    }
  }

  meta(meta: PlainMap, path: DocumentPath): void {
    if (this.purpose === 'run') return;
    const { container: _container, code: _code, module: _module, name: _name, ...own } = meta;
    this.own(own, path);
  }

  container(container: PlainMap, at: DocumentPath): void {
    if (this.purpose === 'run') return;
    for (const [index, { env, ...others }] of entriesOf(container.sidecars)) {
      this.variables(env, [...at, 'sidecars', index, 'env']);
      this.own(others, [...at, 'sidecars', index]);
    }
    this.own(container.volumes, [...at, 'volumes'], 'name a Secret in the way of this kind of volume');
    for (const [name, value] of childrenOf(container.podAnnotations)) {
      if (typeof value !== 'string' || !carriesCredentials(value)) continue;
      this.expose([...at, 'podAnnotations', name], 'an address in an annotation must not contain a user and password');
    }
    if (this.purpose === 'manifests-without-secrets') this.variables(container.env, [...at, 'env']);
  }

  /** Checks a value at any depth, because it is written into a ConfigMap or a pod. */
  private own(
    value: unknown,
    path: DocumentPath,
    remedy = 'pass it as a variable from a Secret (meta.container.env with valueFrom)',
  ): void {
    const isValue = typeof value === 'string' || typeof value === 'number';
    const name = path.findLast((step) => typeof step === 'string');
    if (isValue && isSecretSetting(String(name), String(value))) {
      const message = `"${name}" looks like a secret and would be stored as plain text; ${remedy}`;
      this.expose(path, message);
    }
    for (const [step, inner] of childrenOf(value)) this.own(inner, [...path, step], remedy);
  }

  private variables(env: unknown, path: DocumentPath): void {
    (Array.isArray(env) ? env : []).forEach((entry: unknown, index) => {
      if (!isPlainMap(entry) || !isSecretVariable(entry)) return;
      const message = 'looks like a secret; take it from a Secret: valueFrom.secretKeyRef';
      this.expose([...path, index, 'value'], message);
    });
  }

  /** Credentials in an address would be written wherever the address is. */
  private address({ addr }: PlainMap, path: DocumentPath): void {
    if (typeof addr !== 'string' || !addr.includes('@')) return;
    this.expose([...path, 'addr'], 'addresses must not contain credentials; set user and password instead');
  }

  private expose(path: DocumentPath, message: string): void {
    this.problems.add({ code: 'secret-exposed', path, message, at: 'key' });
  }
}
