import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../package-root';

/** Receives progress, one line at a time, without a newline. */
export type Progress = (line: string) => void;

const release = z
  .strictObject({
    /** Path below the base URL of releases. */
    path: z.string(),
    /** Path of the program in the archive. */
    member: z.string(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  })
  .readonly();

const entry = z
  .strictObject({
    version: z.string(),
    /** Minimum version of a program found on this machine; left out, any version. */
    minimum: z.string().optional(),
    /** The environment variable that names a program to use instead. */
    variable: z.string(),
    /**
     * How to build the program: a published module, or a module below this package, in which `package` is a package of
     * one of its requirements. `values` are variables that the linker sets. `needs` is the minimum Go version.
     */
    go: z
      .union([
        z.strictObject({ needs: z.string(), module: z.string() }),
        z.strictObject({
          needs: z.string(),
          directory: z.string(),
          package: z.string().optional(),
          values: z.record(z.string(), z.string()).optional(),
        }),
      ])
      .readonly()
      .optional(),
    /**
     * How to make a program of Java: a folder of this package with `pom.xml`, whose dependencies Maven fetches, and one class.
     * `needs` is the minimum version of Java.
     */
    java: z.strictObject({ needs: z.string(), directory: z.string() }).readonly().optional(),
    /** Official archives with pinned checksums, by `<platform>-<arch>` as Node names them. */
    releases: z.record(z.string(), release).readonly(),
  })
  .readonly();

const catalog = z.record(z.string(), entry).readonly();

export type Release = z.infer<typeof release>;
export type CatalogEntry = z.infer<typeof entry>;
/** The servers that KFlow can download or build, by the name of their program. */
export type ServerCatalog = z.infer<typeof catalog>;

/** The catalog of this package, `tools/servers.json`. */
export function readCatalog(): ServerCatalog {
  return catalog.parse(JSON.parse(readFileSync(join(packageRoot, 'tools/servers.json'), 'utf8')));
}
