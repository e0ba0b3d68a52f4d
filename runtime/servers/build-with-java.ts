import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '../../lib/errors';
import { packageRoot } from '../package-root';
import type { CatalogEntry, Progress } from './server-catalog';

type JavaBuild = NonNullable<CatalogEntry['java']>;

const errorLines = 12;
const versionTimeoutMs = 20_000;
/** Folders in which Linux and macOS keep Java. */
const javaFolders = ['/usr/lib/jvm', '/opt/java', '/opt', '/Library/Java/JavaVirtualMachines'];

/**
 * Makes a program of Java in `directory` and returns its path: a script beside a folder of jars, which Maven fetches. Throws
 * ConfigError that says what is missing.
 */
export async function buildWithJava(
  server: { readonly name: string; readonly entry: CatalogEntry; readonly java: JavaBuild },
  directory: string,
  context: { readonly env: NodeJS.ProcessEnv; readonly progress: Progress },
): Promise<string> {
  const { name, entry, java } = server;
  const home = await findJdk(Number(java.needs), context.env);
  const sources = join(packageRoot, java.directory);
  const program = join(directory, 'program');
  const classes = join(program, 'classes');
  await mkdir(classes, { recursive: true });
  await cp(join(sources, 'pom.xml'), join(directory, 'pom.xml'));
  context.progress(`fetching ${name} ${entry.version} with Maven; it is kept for this machine`);
  const env = { ...context.env, JAVA_HOME: home };
  const fetch = ['--batch-mode', '-q', 'dependency:copy-dependencies', '-DincludeScope=runtime'];
  await run('mvn', [...fetch, `-DoutputDirectory=${join(program, 'lib')}`], { cwd: directory, env });
  const files = (await readdir(sources)).filter((file) => file.endsWith('.java'));
  const compile = ['-cp', join(program, 'lib', '*'), '-d', classes, ...files.map((file) => join(sources, file))];
  await run(join(home, 'bin', 'javac'), compile, { cwd: directory, env });
  const script = join(program, name);
  await writeFile(script, scriptOf(join(home, 'bin', 'java'), files[0]?.replace(/\.java$/, '') ?? ''), { mode: 0o755 });
  return script;
}

/** Small and quick to start: the server is for one machine. */
function scriptOf(java: string, main: string): string {
  const flags = '-Xms64m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 --enable-native-access=ALL-UNNAMED';
  return [
    '#!/bin/sh',
    'here=$(dirname "$0")',
    `java='${java.replaceAll("'", `'\\''`)}'`,
    '[ -x "$java" ] || java=java',
    `exec "$java" ${flags} -cp "$here/classes:$here/lib/*" ${main} "$@"`,
    '',
  ].join('\n');
}

/** The home of a JDK of this version or newer: of JAVA_HOME, PATH, or a folder where systems keep them. */
async function findJdk(needs: number, env: NodeJS.ProcessEnv): Promise<string> {
  const found: string[] = [];
  const onPath = await versionOf('java', env).catch(() => undefined);
  for (const home of [env.JAVA_HOME, onPath?.home, ...(await installed())]) {
    if (home === undefined || home === '') continue;
    const version = await versionOf(join(home, 'bin', 'java'), env).catch(() => undefined);
    if (version === undefined) continue;
    const isJdk = await promisify(execFile)(join(home, 'bin', 'javac'), ['-version'], {
      env,
      timeout: versionTimeoutMs,
    })
      .then(() => true)
      .catch(() => false);
    if (version.major >= needs && isJdk) return home;
    found.push(`Java ${version.major}${isJdk ? '' : ' without javac'} in ${home}`);
  }
  const got = found.length === 0 ? 'no Java' : [...new Set(found)].join(', ');
  throw new ConfigError('server-missing', `needs a JDK of Java ${needs} or newer; found ${got}; set JAVA_HOME`);
}

async function installed(): Promise<readonly string[]> {
  const homes: string[] = [];
  for (const folder of javaFolders) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.sort().reverse()) {
      homes.push(folder.startsWith('/Library') ? join(folder, name, 'Contents', 'Home') : join(folder, name));
    }
  }
  return homes;
}

async function versionOf(
  java: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly major: number; readonly home: string }> {
  const args = ['-XshowSettings:properties', '-version'];
  const { stderr, stdout } = await promisify(execFile)(java, args, { env, timeout: versionTimeoutMs });
  const text = `${stdout}\n${stderr}`;
  const property = (name: string) => new RegExp(`^\\s*${name} = (.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  return { major: Number(property('java.specification.version')), home: property('java.home') };
}

async function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<void> {
  try {
    await promisify(execFile)(command, [...args], { ...options, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const {
      code,
      stdout = '',
      stderr = '',
      message,
    } = error as Error & { code?: string | number; stdout?: string; stderr?: string };
    if (code === 'ENOENT') throw new ConfigError('server-missing', `no \`${command}\` on PATH`);
    const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
    const reason = lines.slice(-errorLines).join('\n    ') || message;
    throw new ConfigError('server-missing', `${command} failed (${code}):\n    ${reason}`, { cause: error });
  }
}
