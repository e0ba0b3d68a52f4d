import { ConfigError } from '../../../lib/errors';

/** A bucket and a directory of this machine. */
export interface DirectoryMap {
  readonly bucket: string;
  readonly directory: string;
}

/** Values `NAME=DIR` of an option. Throws ConfigError on any other form. */
export function parseDirectoryMaps(option: string, values: readonly string[]): DirectoryMap[] {
  return values.map((value) => {
    const at = value.indexOf('=');
    if (at < 1 || at === value.length - 1) {
      throw new ConfigError(
        'config-invalid',
        `${option} ${value}: it has to be NAME=DIR, a bucket's name and a directory`,
      );
    }
    return { bucket: value.slice(0, at), directory: value.slice(at + 1) };
  });
}
