import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../../lib/errors';
import { isDnsLabel, isDnsSubdomain } from '../../../lib/topology/document/dns-label';
import type { KubernetesObject } from '../../controller/ports/kubernetes-object';

const labels = z.record(z.string(), z.string()).optional();

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string().regex(/^[A-Za-z]+$/),
  metadata: z.looseObject({
    name: z.string().refine(isDnsSubdomain, 'must be a DNS subdomain'),
    namespace: z.string().refine(isDnsLabel, 'must be a DNS label'),
    labels,
    annotations: labels,
  }),
});

/** A stored object always names its namespace. */
export type StoredObject = KubernetesObject & { readonly metadata: { readonly namespace: string } };

interface StoredRef {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
}

/**
 * Kubernetes objects as files: `<directory>/<namespace>/<Kind>/<name>.json`. Files are replaced atomically; only their
 * owner can read Secrets.
 */
export class StoredObjects {
  private readonly byKey = new Map<string, StoredObject>();

  /** Reads every stored object. Throws ConfigError that names a file without a valid object. */
  constructor(private readonly directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.json'),
    );
    for (const file of files) {
      const object = readObject(path.join(directory, file));
      this.byKey.set(keyOf(object), object);
    }
  }

  all(): readonly StoredObject[] {
    return [...this.byKey.values()];
  }

  /** The object with the key that `keyOf` returns. */
  find(key: string): StoredObject | undefined {
    return this.byKey.get(key);
  }

  put(object: StoredObject): void {
    const file = this.fileOf(object);
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    const mode = object.kind === 'Secret' ? 0o600 : 0o644;
    writeFileSync(`${file}.new`, `${JSON.stringify(object, null, 2)}\n`, { mode });
    renameSync(`${file}.new`, file);
    this.byKey.set(keyOf(object), object);
  }

  remove(ref: StoredRef): void {
    rmSync(this.fileOf(ref), { force: true });
    this.byKey.delete(keyOf(ref));
  }

  private fileOf(ref: StoredRef): string {
    return path.join(this.directory, `${keyOf(ref)}.json`);
  }
}

/** Checks an object from outside. Throws ConfigError with every invalid field and the start of the object. */
export function parseObject(value: unknown): StoredObject {
  const parsed = objectSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  const text = JSON.stringify(value)?.slice(0, 100);
  throw new ConfigError('config-invalid', `not a Kubernetes object: ${faults.join('; ')}; got ${text}`);
}

function readObject(file: string): StoredObject {
  try {
    return parseObject(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const message = `cannot read ${file}: ${(cause as Error).message}; remove the file and apply its flow again`;
    throw new ConfigError('config-invalid', message, { cause });
  }
}

/** `<namespace>/<Kind>/<name>`, which identifies an object here. */
export function keyOf({ kind, metadata }: StoredRef): string {
  return `${metadata.namespace}/${kind}/${metadata.name}`;
}

/** The texts of a ConfigMap or Secret by their keys. */
export function entriesOf(object: StoredObject): Entries {
  const keys = Object.keys({ ...(object.data ?? {}), ...(object.stringData ?? {}) });
  return Object.fromEntries(keys.map((key) => [key, entryOf(object, key) ?? '']));
}

/** The text of a key of a ConfigMap or Secret. */
export function entryOf({ kind, data, stringData }: StoredObject, key: string): string | undefined {
  const plain = (stringData as Entries | undefined)?.[key];
  const value = plain ?? (data as Entries | undefined)?.[key];
  const isEncoded = kind === 'Secret' && plain === undefined && value !== undefined;
  return isEncoded ? Buffer.from(value, 'base64').toString('utf8') : value;
}

type Entries = { readonly [key: string]: string };
