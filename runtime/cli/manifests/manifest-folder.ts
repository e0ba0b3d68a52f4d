import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from '../../../lib/constructs/manifest';
import { ConfigError } from '../../../lib/errors';

/** A folder of manifests, ours and others'. Only files that hold a flow of ours are ever written over. */
export class ManifestFolder {
  constructor(readonly path: string) {}

  /** Throws ConfigError when a file of this name is there and does not hold the flow: it is somebody else's. */
  assertOurs(fileName: string, jobId: string): void {
    if (existsSync(this.path) && !statSync(this.path).isDirectory()) {
      throw new ConfigError('config-invalid', `${this.path} is not a folder; choose another with -o`);
    }
    const file = path.join(this.path, fileName);
    if (!existsSync(file) || this.objectsOf(fileName).some((object) => isOfFlow(object, jobId))) return;
    throw new ConfigError(
      'config-invalid',
      `${file} is there and holds no flow "${jobId}"; move it away, or choose another folder with -o`,
    );
  }

  /** Whether the text was other than what is there. A file is there whole or not at all. */
  write(fileName: string, text: string): boolean {
    const file = path.join(this.path, fileName);
    if (existsSync(file) && readFileSync(file, 'utf8') === text) return false;
    mkdirSync(this.path, { recursive: true });
    const draft = `${file}.${process.pid}.tmp`;
    writeFileSync(draft, text);
    renameSync(draft, file);
    return true;
  }

  /** Objects of a flow in all files of the folder. */
  objects(namespace: string, jobId: string): readonly Manifest[] {
    if (!existsSync(this.path)) return [];
    return readdirSync(this.path)
      .filter((name) => /\.ya?ml$/.test(name))
      .flatMap((name) => this.objectsOf(name))
      .filter((object) => isOfFlow(object, jobId) && object.metadata.namespace === namespace);
  }

  private objectsOf(fileName: string): readonly Manifest[] {
    const text = readFileSync(path.join(this.path, fileName), 'utf8');
    return parseAllDocuments(text, { version: '1.1', logLevel: 'silent' }).flatMap((document) => {
      const object: unknown = document.errors.length > 0 ? undefined : document.toJS();
      return isManifest(object) ? [object] : [];
    });
  }
}

function isOfFlow({ metadata }: Manifest, jobId: string): boolean {
  return metadata.labels?.['kflow.io/job'] === jobId;
}

function isManifest(object: unknown): object is Manifest {
  const { kind, metadata } = (object ?? {}) as Partial<Manifest>;
  return typeof kind === 'string' && typeof metadata?.name === 'string';
}
