import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from '../../../../lib/constructs/manifest';
import { ConfigError } from '../../../../lib/errors';

/** A flow, as the objects of a folder name it. */
export interface FlowName {
  readonly namespace: string;
  readonly jobId: string;
}

/** A folder of manifests, ours and others'. Only a file that holds one flow of ours and nothing else is ever written over. */
export class ManifestFolder {
  constructor(readonly path: string) {}

  /** Throws ConfigError when there is no such folder. */
  assertThere(): void {
    if (!existsSync(this.path)) throw new ConfigError('config-invalid', `there is no folder ${this.path}`);
    if (!isFolder(this.path)) throw new ConfigError('config-invalid', `${this.path} is not a folder`);
  }

  /** Throws ConfigError when a file of this name is there and holds anything but the flow: it is somebody else's. */
  assertOurs(fileName: string, flow: FlowName): void {
    if (existsSync(this.path) && !isFolder(this.path)) {
      throw new ConfigError('config-invalid', `${this.path} is not a folder; choose another with -o`);
    }
    const file = path.join(this.path, fileName);
    if (!existsSync(file)) return;
    const objects = isFolder(file) ? [] : objectsIn(file);
    if (objects.length > 0 && objects.every((object) => isManifest(object) && isOfFlow(object, flow))) return;
    const held = objects.filter(isManifest).find((object) => !isOfFlow(object, flow));
    const what = held === undefined ? 'is no file of ours' : `holds ${nameOf(held)} too`;
    throw new ConfigError(
      'config-invalid',
      `${file} is there and ${what}, not only the flow "${flow.namespace}/${flow.jobId}"; move it away, or choose another folder with -o`,
    );
  }

  /** Whether the text was other than what is there. A file is there whole or not at all. Throws ConfigError. */
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
      throw new ConfigError('config-invalid', `${file} cannot be written: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** Objects of a flow in all files of the folder; what cannot be read is none of ours. */
  objects(flow: FlowName): readonly Manifest[] {
    if (!existsSync(this.path)) return [];
    return readdirSync(this.path)
      .filter((name) => /\.ya?ml$/.test(name))
      .flatMap((name) => objectsIn(path.join(this.path, name)))
      .filter(isManifest)
      .filter((object) => isOfFlow(object, flow));
  }
}

/** Whatever the documents of a file are; none of a file that cannot be read or is no YAML. */
function objectsIn(file: string): readonly unknown[] {
  try {
    const documents = parseAllDocuments(readFileSync(file, 'utf8'), { version: '1.1', logLevel: 'silent' });
    return documents.map((document) => (document.errors.length > 0 ? undefined : document.toJS()));
  } catch {
    return [];
  }
}

/** Makes a folder, step by step: all at once, Node never ends where the system has no room for folders. */
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
