import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from '../../../../lib/constructs/manifest';
import { ConfigError } from '../../../../lib/errors';
import { usageError } from '../../frame/exit-status';
import { type Change, objectKey, pairReplaced } from './change';
import type { RenderedFlow } from './render-flows';

/** A flow by the labels of its manifests. */
export interface FlowName {
  readonly namespace: string;
  readonly jobId: string;
}

/** A directory of manifests. A file is overwritten only if it contains exactly the objects of the flow. */
export class ManifestFolder {
  constructor(readonly path: string) {}

  /** Throws CommandError unless the directory exists. */
  assertExists(): void {
    if (!existsSync(this.path)) throw usageError(`--against ${this.path}: no such directory`);
    if (!isFolder(this.path)) throw usageError(`--against ${this.path}: not a directory`);
  }

  /** Throws ConfigError when a file of this name exists and contains anything other than the flow. */
  assertOwned(fileName: string, flow: FlowName): void {
    if (existsSync(this.path) && !isFolder(this.path)) {
      throw usageError(`--output ${this.path}: not a directory`);
    }
    const file = path.join(this.path, fileName);
    if (!existsSync(file)) return;
    const objects = isFolder(file) ? [] : objectsIn(file);
    if (objects.length > 0 && objects.every((object) => isManifest(object) && isOfFlow(object, flow))) return;
    const held = objects.filter(isManifest).find((object) => !isOfFlow(object, flow));
    const what = held === undefined ? 'was not written by kflow' : `also contains ${nameOf(held)}`;
    throw new ConfigError(
      'config-invalid',
      `${file} exists and ${what}, not only the flow "${flow.namespace}/${flow.jobId}"; move the file, or choose another directory with -o`,
    );
  }

  /** Replaces a file atomically; returns false when its text is unchanged. Throws ConfigError. */
  write(fileName: string, text: string): boolean {
    const file = path.join(this.path, fileName);
    try {
      if (existsSync(file) && readFileSync(file, 'utf8') === text) return false;
      makeFolder(path.resolve(this.path));
      const draft = `${file}.${process.pid}.tmp`;
      writeFileSync(draft, text);
      renameSync(draft, file);
      return true;
    } catch (error) {
      throw new ConfigError('config-invalid', `cannot write ${file}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** How a flow differs from the manifests in the directory. */
  changes(flow: RenderedFlow): readonly Change[] {
    const existing = byKey(this.objects(flow));
    const rendered = byKey(flow.objects);
    const changes = [...rendered].flatMap(([key, after]): Change[] => {
      const before = existing.get(key);
      if (before === undefined) return [{ after }];
      return isDeepStrictEqual(before, after) ? [] : [{ before, after }];
    });
    const removed = [...existing].filter(([key]) => !rendered.has(key)).map(([, before]): Change => ({ before }));
    return pairReplaced([...changes, ...removed]);
  }

  /** The objects of a flow in all files of the directory; files that cannot be read are skipped. */
  private objects(flow: FlowName): readonly Manifest[] {
    if (!existsSync(this.path)) return [];
    return readdirSync(this.path)
      .filter((name) => /\.ya?ml$/.test(name))
      .flatMap((name) => objectsIn(path.join(this.path, name)))
      .filter(isManifest)
      .filter((object) => isOfFlow(object, flow));
  }
}

function byKey(objects: readonly Manifest[]): ReadonlyMap<string, Manifest> {
  return new Map(objects.map((object) => [objectKey(object), object]));
}

/** The documents of a file; none if it cannot be read or is not YAML. */
function objectsIn(file: string): readonly unknown[] {
  try {
    const documents = parseAllDocuments(readFileSync(file, 'utf8'), { version: '1.1', logLevel: 'silent' });
    return documents.map((document) => (document.errors.length > 0 ? undefined : document.toJS()));
  } catch {
    return [];
  }
}

/** Creates a directory level by level: with `recursive`, Node loops forever where directories cannot be created. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  mkdirSync(folder);
}

function isFolder(file: string): boolean {
  return statSync(file).isDirectory();
}

function isOfFlow({ metadata }: Manifest, { namespace, jobId }: FlowName): boolean {
  return metadata.labels?.['kflow.io/job'] === jobId && metadata.namespace === namespace;
}

function isManifest(object: unknown): object is Manifest {
  const { apiVersion, kind, metadata } = (object ?? {}) as Partial<Manifest>;
  return typeof apiVersion === 'string' && typeof kind === 'string' && typeof metadata?.name === 'string';
}

function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}
