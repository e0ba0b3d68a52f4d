import type { DocumentPath } from './document-path';
import type { Draft } from './draft';
import { isPlainMap, type PlainMap } from './plain-map';
import type { ProblemList } from './problem-list';
import type { Purpose } from './purpose';

const sections = ['store', 'messageStore', 'devStore'];

/** Secrets where they cannot be kept apart from what is shown, and any value where none may be. */
export function checkSecrets(draft: Draft, problems: ProblemList, purpose: Purpose): void {
  const check = new SecretCheck(problems, purpose);
  check.connections(draft.globalConfig, ['globalConfig']);
  for (const each of draft.functions) {
    check.connection(each.raw, each.path);
    check.connections(each.globalConfig, [...each.path, 'globalConfig']);
    check.meta(each.meta, [...each.path, 'meta']);
  }
}

/** Whether a name speaks of a secret: `DB_PASSWORD`, `apiKey`, `token`; not `max_tokens` or `tokenizer`. */
export function isSecretName(name: string): boolean {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
  return /(^|[._-])(password|passwd|passphrase|secret|token|credentials?|(api|access|private|secret)[._-]?key)$/.test(
    words,
  );
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
      const message = 'a secret stands in place of user and password; remove those, or the secret';
      this.problems.add({ code: 'setting-invalid', path: [...path, 'secret'], message, at: 'key' });
    }
    if (this.purpose !== 'manifests-without-secrets' || map.password === undefined) return;
    const message = 'a password in a document is refused here; name a Secret of the namespace: "secret: NAME"';
    this.expose([...path, 'password'], message);
  }

  meta(meta: PlainMap, path: DocumentPath): void {
    for (const [key, value] of Object.entries(meta)) {
      if (typeof value !== 'string' || value === '' || !isSecretName(key)) continue;
      if (this.purpose === 'run') continue;
      const message = `"${key}" looks like a secret and would be written into a ConfigMap; give it to the function as a variable from a Secret (meta.container.env with valueFrom)`;
      this.expose([...path, key], message);
    }
    const { container } = meta;
    const env = isPlainMap(container) && Array.isArray(container.env) ? container.env : [];
    if (this.purpose !== 'manifests-without-secrets') return;
    env.forEach((entry: unknown, index) => {
      if (!isPlainMap(entry) || typeof entry.value !== 'string' || !isSecretName(String(entry.name))) return;
      const message = `"${entry.name}" looks like a secret, and values of secrets are refused here; take it from a Secret: valueFrom.secretKeyRef`;
      this.expose([...path, 'container', 'env', index, 'value'], message);
    });
  }

  /** `scheme://user:password@host` would be written wherever the address is. */
  private address({ addr }: PlainMap, path: DocumentPath): void {
    if (typeof addr !== 'string' || !/^(\w+:\/\/)?[^/@\s]*@/.test(addr)) return;
    this.expose([...path, 'addr'], 'an address carries no user and password; write them as keys of their own');
  }

  private expose(path: DocumentPath, message: string): void {
    this.problems.add({ code: 'secret-exposed', path, message, at: 'key' });
  }
}
