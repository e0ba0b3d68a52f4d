import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../../lib/errors';
import type { KubernetesObject } from '../../controller/ports/kubernetes-object';

const namePattern = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const labels = z.record(z.string(), z.string()).optional();

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string().regex(/^[A-Za-z]+$/),
  metadata: z.looseObject({
    name: z.string().regex(namePattern),
    namespace: z.string().regex(namePattern),
    labels,
    annotations: labels,
  }),
});

/** An object that says its namespace, as all that are kept do. */
export type KeptObject = KubernetesObject & { readonly metadata: { readonly namespace: string } };

interface KeptRef {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
}

/**
 * Kubernetes objects as files, one for each: `<directory>/<namespace>/<Kind>/<name>.json`. A file is replaced whole;
 * Secrets are for their owner's eyes.
 */
export class KeptObjects {
  private readonly byKey = new Map<string, KeptObject>();

  /** Reads what is kept. Throws ConfigError that names a file that is no object. */
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

  all(): readonly KeptObject[] {
    return [...this.byKey.values()];
  }

  /** By what `keyOf` gives. */
  find(key: string): KeptObject | undefined {
    return this.byKey.get(key);
  }

  put(object: KeptObject): void {
    const file = this.fileOf(object);
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    const mode = object.kind === 'Secret' ? 0o600 : 0o644;
    writeFileSync(`${file}.new`, `${JSON.stringify(object, null, 2)}\n`, { mode });
    renameSync(`${file}.new`, file);
    this.byKey.set(keyOf(object), object);
  }

  remove(ref: KeptRef): void {
    rmSync(this.fileOf(ref), { force: true });
    this.byKey.delete(keyOf(ref));
  }

  private fileOf(ref: KeptRef): string {
    return path.join(this.directory, `${keyOf(ref)}.json`);
  }
}

/** Checks what came from outside. Throws ConfigError that says what of which object is wrong. */
export function parseObject(value: unknown): KeptObject {
  const parsed = objectSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  const text = JSON.stringify(value)?.slice(0, 100);
  throw new ConfigError('config-invalid', `this is no Kubernetes object: ${faults.join('; ')}; it is ${text}`);
}

function readObject(file: string): KeptObject {
  try {
    return parseObject(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const message = `${file} cannot be read: ${(cause as Error).message}; remove it, and apply its flow again`;
    throw new ConfigError('config-invalid', message, { cause });
  }
}

/** `<namespace>/<Kind>/<name>`: what tells an object from all others here. */
export function keyOf({ kind, metadata }: KeptRef): string {
  return `${metadata.namespace}/${kind}/${metadata.name}`;
}
