import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors';
import type { PlainMap } from '../plain-map';
import { defaultLanguage, languageNames, languageOfFile, languages } from '../topology/document/language';
import type { AnyCode } from './function-code';
import { inlineFunction } from './inline-function';

/**
 * A function's code as settings of `meta`. Relative paths start at `directory`. Throws ConfigError if the code cannot be
 * read.
 */
export function codeSettings(run: AnyCode, directory: string | undefined): PlainMap {
  if (typeof run === 'function') {
    const { name, code } = inlineFunction(run);
    return { language: 'javascript', name, code };
  }
  switch (run.code) {
    case 'module': {
      const language = languageOfFile(run.path);
      if (language === undefined) {
        const extensions = languageNames.map((name) => languages[name].extensions[0]).join(', ');
        const message = `the module "${run.path}" has no known extension; use one of ${extensions}`;
        throw new ConfigError('config-invalid', message);
      }
      if (directory !== undefined && !path.isAbsolute(run.path) && !existsSync(path.join(directory, run.path))) {
        throw new ConfigError('config-invalid', `there is no module "${run.path}" in ${directory}`);
      }
      return { ...(language === defaultLanguage ? {} : { language }), name: run.name, module: run.path };
    }
    case 'python':
      return { name: run.name, code: run.text };
    case 'python-file':
      return { name: run.name, code: readCode(run.path, directory) };
  }
}

function readCode(file: string, directory: string | undefined): string {
  if (directory === undefined && !path.isAbsolute(file)) {
    const message = `the path "${file}" is relative, but the flow has no directory; use defineFlow({ directory: __dirname, … })`;
    throw new ConfigError('config-invalid', message);
  }
  const full = path.resolve(directory ?? '/', file);
  try {
    return readFileSync(full, 'utf8');
  } catch (cause) {
    throw new ConfigError('config-invalid', `the code cannot be read: ${(cause as Error).message}`, { cause });
  }
}
