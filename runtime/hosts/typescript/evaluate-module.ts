import Module from 'node:module';
import path from 'node:path';

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
