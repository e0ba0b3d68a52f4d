import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../package-root';

/** Where progress goes: one line at a time, without its end. */
export type Progress = (line: string) => void;

const release = z
  .strictObject({
    /** Below the base URL of releases. */
    path: z.string(),
    /** The program inside the archive. */
    member: z.string(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  })
  .readonly();

const entry = z
  .strictObject({
    version: z.string(),
    /** Programs found on this machine must be at least this; left out, any will do. */
    minimum: z.string().optional(),
    /** The environment variable that names a program to use instead. */
    variable: z.string(),
    /** How to build it: a module by version, or a module of ours below the package. `needs` is the oldest Go. */
    go: z
      .union([
        z.strictObject({ needs: z.string(), module: z.string() }),
        z.strictObject({ needs: z.string(), directory: z.string() }),
      ])
      .readonly(),
    /** Official archives by `<platform>-<arch>` in Node's words, each with a checksum known beforehand. */
    releases: z.record(z.string(), release).readonly(),
  })
  .readonly();

const catalog = z.record(z.string(), entry).readonly();

export type Release = z.infer<typeof release>;
export type CatalogEntry = z.infer<typeof entry>;
/** The servers KFlow can fetch, by the name of their program. */
export type ServerCatalog = z.infer<typeof catalog>;

/** The catalog of this package, `tools/servers.json`. */
export function readCatalog(): ServerCatalog {
  return catalog.parse(JSON.parse(readFileSync(join(packageRoot, 'tools/servers.json'), 'utf8')));
}
