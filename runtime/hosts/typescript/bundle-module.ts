import { buildSync } from 'esbuild';

/** Libraries that resolve to a given file, an absolute path, instead of through node_modules. */
export type Libraries = { readonly [name: string]: string };

/** Bundles a TypeScript or JavaScript file and its relative imports as CommonJS; packages stay external. Throws esbuild's error. */
export function bundleModule(filename: string, libraries: Libraries = {}): string {
  const { outputFiles } = buildSync({
    entryPoints: [filename],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    packages: 'external',
    alias: libraries,
    external: Object.values(libraries),
    sourcemap: 'inline',
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}
