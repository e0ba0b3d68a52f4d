import Module from 'node:module';
import path from 'node:path';
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

/** Runs CommonJS code as the file `filename`, from which packages are resolved, and returns its module. */
export function evaluateModule(code: string, filename: string): Module {
  process.setSourceMapsEnabled(true);
  const module = new Module(filename);
  module.filename = filename;
  const loader = module as unknown as { paths: string[]; _compile(code: string, filename: string): void };
  loader.paths = (Module as unknown as { _nodeModulePaths(from: string): string[] })._nodeModulePaths(
    path.dirname(filename),
  );
  loader._compile(code, filename);
  return module;
}
