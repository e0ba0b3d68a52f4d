import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { packageRoot } from '../../../runtime/package-root';
import { type ResolveOptions, resolveServer } from '../../../runtime/servers/resolve-server';
import { readCatalog, type ServerCatalog } from '../../../runtime/servers/server-catalog';
import { waitFor } from '../../support/wait-for';

const root = mkdtempSync(join(tmpdir(), 'kflow-resolve-'));
const PLATFORM = `${process.platform}-${process.arch}`;
let releases: Server;
let releasesUrl: string;
let archive: Buffer;
let requests: string[] = [];

/** A program that names its version, as the servers do. */
function program(path: string, version: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "made-up: v${version}"\n`);
  chmodSync(path, 0o755);
  return path;
}

beforeAll(async () => {
  program(join(root, 'release/made-up-v3.0.0/made-up'), '3.0.0');
  execFileSync('tar', ['-czf', join(root, 'made-up.tar.gz'), '-C', join(root, 'release'), 'made-up-v3.0.0']);
  archive = readFileSync(join(root, 'made-up.tar.gz'));
  releases = createServer((request, response) => {
    requests.push(request.url ?? '');
    if (request.url === '/mirror/made-up/v3.0.0.tar.gz') response.end(archive);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => releases.listen(0, '127.0.0.1', resolve));
  releasesUrl = `http://127.0.0.1:${(releases.address() as AddressInfo).port}/mirror/`;
});

afterAll(() => {
  releases.close();
  rmSync(root, { recursive: true, force: true });
});

interface Scene {
  readonly env: NodeJS.ProcessEnv;
  readonly options: ResolveOptions;
  readonly said: string[];
  readonly cached: string;
}

let scenes = 0;

/** An empty machine: own cache, PATH with the system's tools but without Go, releases from the test's server. */
function scene(env: NodeJS.ProcessEnv = {}, release: { path?: string; sha256?: string } | null = {}): Scene {
  requests = [];
  const directory = join(root, `scene-${scenes++}`);
  const cache = join(directory, 'cache');
  mkdirSync(directory);
  const said: string[] = [];
  const sha256 = createHash('sha256').update(archive).digest('hex');
  const whole = { path: 'made-up/v3.0.0.tar.gz', member: 'made-up-v3.0.0/made-up', sha256, ...release };
  const catalog: ServerCatalog = {
    'made-up': {
      version: '3.0.0',
      minimum: '2.11.0',
      variable: 'KFLOW_MADE_UP',
      go: { needs: '1.25', module: 'example.invalid/made-up@v3.0.0' },
      releases: release === null ? {} : { [PLATFORM]: whole },
    },
  };
  const full = { PATH: '/usr/bin:/bin', KFLOW_CACHE: cache, KFLOW_RELEASES_URL: releasesUrl, ...env };
  const options = { catalog, env: full, progress: (line: string) => said.push(line) };
  return { env: full, options, said, cached: join(cache, 'servers/made-up-3.0.0/made-up') };
}

/** A PATH entry with a `go` that ends with this shell script. */
function fakeGo(script: string): string {
  const directory = join(root, `go-${scenes++}`);
  mkdirSync(directory);
  writeFileSync(join(directory, 'go'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, 'go'), 0o755);
  return `${directory}:/usr/bin:/bin`;
}

const BUILDING_GO = `printf '#!/bin/sh\\necho made-up: v3.0.0\\n' > "$GOBIN/made-up"; chmod +x "$GOBIN/made-up"`;

describe('the variable', () => {
  it('wins over everything else', async () => {
    const path = program(join(root, 'mine/made-up'), '2.12.0');
    const { options } = scene({ KFLOW_MADE_UP: path });
    expect(await resolveServer('made-up', options)).toEqual({ name: 'made-up', path, source: 'variable' });
    expect(requests).toEqual([]);
  });

  it.each([
    ['does not exist', () => join(root, 'nothing'), 'no such executable file'],
    ['does not run', () => program(join(root, 'broken/made-up'), '1; exit 3 #'), 'the program does not run'],
    ['is too old', () => program(join(root, 'old/made-up'), '2.10.9'), 'version 2.10.9 is older than 2.11.0'],
  ])('is an error when the program that it names %s', async (_, path, text) => {
    const broken = path();
    if (broken.includes('broken')) writeFileSync(broken, '#!/bin/sh\nexit 3\n');
    const { options } = scene({ KFLOW_MADE_UP: broken });
    await expect(resolveServer('made-up', options)).rejects.toMatchObject({
      name: 'ConfigError',
      code: 'config-invalid',
      message: expect.stringContaining(`KFLOW_MADE_UP=${broken}: ${text}`),
    });
  });
});

describe('PATH', () => {
  it('skips a program that is too old, reports the reason, and uses the next one', async () => {
    const old = program(join(root, 'path-old/made-up'), '2.9.10');
    const good = program(join(root, 'path-good/made-up'), '2.11.0');
    const { options, said } = scene({ PATH: `${dirname(old)}:${dirname(good)}` });
    expect(await resolveServer('made-up', options)).toEqual({ name: 'made-up', path: good, source: 'path' });
    expect(said).toEqual([`skipped ${old}: version 2.9.10 is older than 2.11.0`]);
  });
});

describe('the official release', () => {
  it('is downloaded once and found in the cache after', async () => {
    const { options, said, cached } = scene();
    expect(await resolveServer('made-up', options)).toEqual({ name: 'made-up', path: cached, source: 'release' });
    expect(said[0]).toBe(`downloading ${releasesUrl}made-up/v3.0.0.tar.gz`);
    expect(await resolveServer('made-up', options)).toEqual({ name: 'made-up', path: cached, source: 'cache' });
    expect(requests).toEqual(['/mirror/made-up/v3.0.0.tar.gz']);
  });

  it('with a wrong checksum is rejected before it is unpacked, and Go builds the server', async () => {
    const { options, said, cached } = scene({ PATH: fakeGo(BUILDING_GO) }, { sha256: 'a'.repeat(64) });
    expect(await resolveServer('made-up', options)).toEqual({ name: 'made-up', path: cached, source: 'go' });
    expect(said).toContainEqual(expect.stringMatching(/^release: .*checksum differs: expected sha256 a{64}, got /));
  });

  it('that is missing is replaced by a build with Go', async () => {
    const { options, said } = scene({ PATH: fakeGo(BUILDING_GO) }, { path: 'gone.tar.gz' });
    expect((await resolveServer('made-up', options)).source).toBe('go');
    expect(said).toContainEqual(expect.stringContaining('gone.tar.gz: 404'));
  });

  it('from an unavailable host is replaced by a build with Go', async () => {
    const { options, said } = scene({ PATH: fakeGo(BUILDING_GO), KFLOW_RELEASES_URL: 'http://127.0.0.1:1' });
    expect((await resolveServer('made-up', options)).source).toBe('go');
    expect(said).toContainEqual(expect.stringMatching(/^release: http:\/\/127\.0\.0\.1:1\/made-up.*fetch failed/));
  });
});

describe('the build', () => {
  it('gets a clean Go environment', async () => {
    const script = `echo "$* [$GOFLAGS] [$CGO_ENABLED] [$GOWORK]" > ${root}/go-said; ${BUILDING_GO}`;
    const { options } = scene({ PATH: fakeGo(script), GOFLAGS: '-mod=vendor' }, null);
    await resolveServer('made-up', options);
    const said = readFileSync(join(root, 'go-said'), 'utf8').trim();
    expect(said).toBe('install -trimpath -ldflags -s -w example.invalid/made-up@v3.0.0 [] [0] [off]');
  });

  it('of a package that our own module requires gets the values of its variables', async () => {
    const script = `echo "$PWD $*" > ${root}/package-said; ${BUILDING_GO}`;
    const { options } = scene({ PATH: fakeGo(script) }, null);
    const from = { needs: '1.26.0', directory: 'tools/nack', package: 'example.invalid/cmd/made-up' };
    const go = { ...from, values: { 'main.Version': '3.0.0' } };
    const entry = { variable: 'KFLOW_MADE_UP', version: '3.0.0', releases: {}, go };
    await resolveServer('made-up', { ...options, catalog: { 'made-up': entry } });
    expect(readFileSync(join(root, 'package-said'), 'utf8').trim()).toMatch(
      /tools\/nack build -mod=readonly -trimpath -ldflags -s -w -X main\.Version=3\.0\.0 -o \S+\/made-up example\.invalid\/cmd\/made-up$/,
    );
  });

  it('is repeated when the sources of a module of this package have changed', async () => {
    const sources = join(root, 'module');
    mkdirSync(sources);
    writeFileSync(join(sources, 'main.go'), 'package main');
    const script = `shift; while [ "$1" != -o ]; do shift; done; GOBIN="$(dirname "$2")"; ${BUILDING_GO}`;
    const { options } = scene({ PATH: fakeGo(script) }, null);
    const { 'made-up': entry } = options.catalog ?? {};
    if (entry === undefined) throw new Error('the scene has no server');
    const go = { needs: '1.25', directory: relative(packageRoot, sources) };
    const resolve = () => resolveServer('made-up', { ...options, catalog: { 'made-up': { ...entry, go } } });
    expect((await resolve()).source).toBe('go');
    expect((await resolve()).source).toBe('cache');
    writeFileSync(join(sources, 'main.go'), 'package main // changed');
    expect((await resolve()).source).toBe('go');
  });

  it('runs once for two simultaneous callers', async () => {
    const counting = `echo x >> ${root}/builds; while [ ! -e ${root}/go-on ]; do sleep 0.05; done; ${BUILDING_GO}`;
    const { options, said } = scene({ PATH: fakeGo(counting) }, null);
    const both = Promise.all([resolveServer('made-up', options), resolveServer('made-up', options)]);
    const isWaiting = (lines: readonly string[]) =>
      lines.some((line) => line.startsWith('waiting for another process'));
    await waitFor('the second to wait for the first', () => said, isWaiting);
    writeFileSync(join(root, 'go-on'), '');
    expect((await both).map(({ source }) => source).sort()).toEqual(['cache', 'go']);
    expect(readFileSync(join(root, 'builds'), 'utf8')).toBe('x\n');
  });

  it('breaks the lock of a process that has ended', async () => {
    const { options, said, cached } = scene({ PATH: fakeGo(BUILDING_GO) }, null);
    const gone = execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }).trim();
    mkdirSync(dirname(cached), { recursive: true });
    writeFileSync(`${cached}.lock`, `${hostname()} ${gone}\n`);
    expect((await resolveServer('made-up', options)).source).toBe('go');
    expect(said[0]).toContain('breaking the lock');
    expect(existsSync(`${cached}.lock`)).toBe(false);
  });
});

describe('when every way fails', () => {
  it('reports every attempt with the reason for its failure, and what to do', async () => {
    const old = program(join(root, 'last-old/made-up'), '2.9.10');
    const failing = fakeGo("echo 'go: downloading x' >&2; echo 'go: no route to the proxy' >&2; exit 1");
    const { options, cached } = scene({ PATH: `${dirname(old)}:${failing}` }, { path: 'gone.tar.gz' });
    const error = await resolveServer('made-up', options).catch((caught: unknown) => caught as Error);
    expect(error).toMatchObject({ name: 'ConfigError', code: 'server-missing' });
    expect((error as Error).message.replaceAll(root, '').replaceAll(releasesUrl, '/').split('\n')).toEqual([
      'cannot find, download or build made-up 3.0.0:',
      '  - KFLOW_MADE_UP: not set',
      '  - PATH: no usable program of this name',
      '  - /last-old/made-up: version 2.9.10 is older than 2.11.0',
      '  - release: /gone.tar.gz: 404 Not Found',
      expect.stringMatching(/^ {2}- Go: go failed \(exit 1\) after \d+ s:$/),
      '    go: no route to the proxy',
      'install Go 1.25 or newer, or set KFLOW_MADE_UP to the path of made-up',
    ]);
    expect(existsSync(cached)).toBe(false);
  });

  it('reports that Go is missing', async () => {
    const { options } = scene({ PATH: join(root, 'empty') }, null);
    const error = await resolveServer('made-up', options).catch((caught: unknown) => caught as Error);
    expect((error as Error).message).toContain(`release: no release for ${PLATFORM} in the catalog`);
    expect((error as Error).message).toContain('Go: no `go` on PATH');
  });

  it('names the Java that a program of Java needs', async () => {
    const { options } = scene({}, null);
    const java = { needs: '999', directory: 'tools/opensearch' };
    const entry = { variable: 'KFLOW_MADE_UP', version: '3.0.0', releases: {}, java };
    const error = await resolveServer('made-up', { ...options, catalog: { 'made-up': entry } }).catch((cause) => cause);
    expect(error).toMatchObject({ code: 'server-missing' });
    expect(error.message).toMatch(/Java: needs a JDK of Java 999 or newer; found .*; set JAVA_HOME/);
    expect(error.message).toMatch(
      /install a JDK of Java 999 or newer and Maven, or set KFLOW_MADE_UP to the path of made-up$/,
    );
  });

  it('names the known servers for an unknown one', async () => {
    await expect(resolveServer('etcd')).rejects.toMatchObject({
      message:
        'unknown server "etcd"; known servers: nats-server, kubernetes, argocd-engine, nack, opensearch, temporal, versitygw',
    });
  });
});

describe('the catalog', () => {
  it('pins a checksum for every release on four platforms', () => {
    // only tests use these, and they build them
    const { kubernetes: _, nack: _nack, 'argocd-engine': _engine, opensearch: _search, ...served } = readCatalog();
    for (const entry of Object.values(served)) {
      expect(Object.keys(entry.releases).sort()).toEqual(['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64']);
      for (const release of Object.values(entry.releases)) expect(release.path).toContain(entry.version);
    }
  });
});
