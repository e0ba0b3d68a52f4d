import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Workplace } from '../support/kflow-cli';

const topologies = path.join(__dirname, '../fixtures/topologies');
const golden = path.join(__dirname, '../golden');
const fixture = (name: string) => path.join(topologies, `${name}.yaml`);

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.remove());

const kflow = (...args: string[]) => place.ran(...args);

describe('kflow synth', () => {
  test('writes the same bytes as cdk8s synth, one file for each flow, and prints once how to create each secret', async () => {
    const { status, stdout, stderr } = await kflow('synth', fixture('message-store'), fixture('pods'), '-o', 'out');
    expect(status).toBe(0);
    expect(stdout).toBe('out/jobx.k8s.yaml  19 objects\nout/pods.k8s.yaml  22 objects\n');
    expect(place.read('out/jobx.k8s.yaml')).toBe(readFileSync(path.join(golden, 'message-store.k8s.yaml'), 'utf8'));
    expect(place.read('out/pods.k8s.yaml')).toBe(readFileSync(path.join(golden, 'pods.k8s.yaml'), 'utf8'));
    expect(stderr.match(/kubectl create secret.*/g)).toEqual([
      'kubectl create secret generic jobx--host-docker-internal-9000 --namespace default --from-literal=user=USER --from-literal=password=PASSWORD',
      'kubectl create secret generic pods--classify--env --namespace vision --from-literal=DB_PASSWORD=DB_PASSWORD',
    ]);
    expect(stderr + stdout).not.toMatch(/minioadmin|open-sesame/);
  });

  test('writes nothing when one of several topologies has an error, and reports every problem', async () => {
    place.write(
      'bad.yaml',
      readFileSync(fixture('update'), 'utf8').replace('[p1]', '[p2]').replace('s3-sink', 's4-sink'),
    );
    const { status, stderr } = await kflow('synth', fixture('pods'), 'bad.yaml', 'none.yaml');
    expect(status).toBe(1);
    expect(stderr).toMatch(/bad\.yaml:13:\d+ {2}dag\[0\]\.out\[0\] /);
    expect(stderr).toMatch(/bad\.yaml:29:\d+ {2}dag\[2\]\.type /);
    expect(stderr).toContain('none.yaml:1:1  cannot read the file: no such file');
    expect(stderr).toMatch(/nothing was written\n$/);
    expect(readdirSync(place.folder)).toEqual(['bad.yaml']);
  });

  test('rejects the value of a secret on request, with its position', async () => {
    const { status, stderr } = await kflow('synth', '--strict-secrets', fixture('update'));
    expect(status).toBe(1);
    expect(stderr).toMatch(/update\.yaml:12:5 {2}dag\[0\]\.password {2}this document must not contain passwords/);
    expect(existsSync(path.join(place.folder, 'dist'))).toBe(false);
  });

  test("leaves other people's files alone", async () => {
    place.write('out/notes.txt', 'mine');
    place.write('out/jobx.k8s.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: theirs }\n');
    const { status, stderr } = await kflow('synth', fixture('scale-stream'), fixture('update'), '-o', 'out');
    expect(status).toBe(1);
    expect(stderr).toBe(
      'kflow: out/jobx.k8s.yaml exists and also contains ConfigMap /theirs, not only the flow "default/jobx"; move the file, or choose another directory with -o\n',
    );
    expect(readdirSync(path.join(place.folder, 'out')).sort()).toEqual(['jobx.k8s.yaml', 'notes.txt']);
    expect(place.read('out/jobx.k8s.yaml')).toContain('theirs');
  });

  test('keeps the file of a flow in another namespace with the same file name', async () => {
    await kflow('synth', fixture('update'), '-o', 'out');
    const { status, stderr } = await kflow('synth', fixture('update'), '--set', 'namespace=other', '-o', 'out');
    expect([status, stderr]).toEqual([1, expect.stringContaining('also contains ServiceAccount default/jobx')]);
  });

  test.each([
    [['--nats-url', 'nats://me:hunter2@nats.nats.svc:4222'], /^kflow: --nats-url: contains a user, password or token/],
    [['--image', 'https://me:hunter2@registry/kflow'], /^kflow: --image: contains a user and password/],
  ])('rejects %s without printing it', async (options, message) => {
    const { status, stderr } = await kflow('synth', fixture('update'), ...options);
    expect([status, stderr]).toEqual([64, expect.stringMatching(message)]);
    expect(stderr).not.toContain('hunter2');
  });

  test('puts no secret value into manifests or messages, wherever it is written', async () => {
    const own =
      'db: { password: hunter2, dsn: "postgres://me:hunter2@db/x" }, secrets: [hunter2], nats.conn.options: { token: hunter2 }';
    const env =
      'env: [{ name: MYSQL_PWD, value: hunter2 }, { name: DATABASE_URL, value: "postgres://me:hunter2@db/x" }]';
    const sidecars =
      'sidecars: [{ name: side, image: "side:1", args: ["--password=hunter2"], env: [{ name: DB_PASS, value: hunter2 }] }]';
    const text = readFileSync(fixture('update'), 'utf8');
    const write = (meta: string) =>
      place.write('flow.yaml', text.replace('      name: process\n', `      name: process\n      ${meta}\n`));
    write(`mine: { ${own}, container: none }`);
    const exposed = await kflow('synth', 'flow.yaml');
    expect([exposed.status, exposed.stderr.match(/looks like a secret/g)?.length]).toEqual([1, 4]);
    write(`container: { ${sidecars} }`);
    const beside = await kflow('synth', 'flow.yaml');
    expect([beside.status, beside.stderr.match(/looks like a secret/g)?.length]).toEqual([1, 2]);
    write(`container: { ${env} }`);
    const referred = await kflow('synth', 'flow.yaml', '-o', 'out');
    expect(referred.status).toBe(0);
    expect(place.read('out/jobx.k8s.yaml')).toMatch(/name: DATABASE_URL\n {14}valueFrom:/);
    write(
      'container: { env: ["PASSWORD=hunter2", { name: "TOKEN=hunter2" }], egress: ["https://me:hunter2@host:443"] }',
    );
    const wrong = await kflow('lint', 'flow.yaml');
    expect(wrong.status).toBe(1);
    for (const { stdout, stderr } of [exposed, beside, referred, wrong])
      expect(stdout + stderr).not.toContain('hunter2');
    expect(place.read('out/jobx.k8s.yaml')).not.toContain('hunter2');
  });

  test('rejects a folder that is a file', async () => {
    place.write('out', 'a file');
    expect((await kflow('synth', fixture('update'), '-o', 'out')).stderr).toContain('--output out: not a directory');
  });
});

describe('kflow plan against a folder', () => {
  const changed = () =>
    readFileSync(fixture('update'), 'utf8')
      .replace('parallelism: 5', 'parallelism: 6')
      .replace('return event', 'return [event]');

  test('prints no changes and exits with 0 when the manifests match the topology', async () => {
    await kflow('synth', fixture('update'), '-o', 'out');
    const { status, stdout } = await kflow('plan', fixture('update'), '--against', 'out');
    expect([status, stdout]).toEqual([0, 'flow default/jobx: no changes\n']);
  });

  test('prints each object that would change with its differing lines, and exits with 2', async () => {
    await kflow('synth', fixture('update'), '-o', 'out');
    const { status, stdout } = await kflow('plan', place.write('update.yaml', changed()), '--against', 'out');
    expect(status).toBe(2);
    const replaced = 'its name has the hash of its content';
    expect(stdout).toMatch(new RegExp(`± ConfigMap jobx--p1-\\w{8} replaces jobx--p1-\\w{8}: ${replaced}\\n`));
    expect(stdout).toMatch(/\n {4}- {8}return event\n {4}\+ {8}return \[event\]\n/);
    expect(stdout).toMatch(
      /± Job jobx--p1-\w{8} replaces jobx--p1-\w{8}: [\s\S]*\n {4}- {2}completions: 5\n {4}\+ {2}completions: 6\n/,
    );
    expect(stdout).toMatch(/\n0 to create, 2 to change, 0 to remove\n$/);
  });

  test('prints the objects that would be created, and those removed with or without their data', async () => {
    await kflow('synth', fixture('update'), '-o', 'out');
    const text = readFileSync(fixture('update'), 'utf8').replace('[p1]', '[sink]');
    const without = text.replace(/ {2}- id: p1[\s\S]*?(?= {2}- id: sink)/, '').replaceAll('minioadmin', 'other');
    const { status, stdout } = await kflow('plan', place.write('update.yaml', without), '--against', 'out');
    expect(status).toBe(2);
    expect(stdout).toContain('+ Consumer jobx--source--sink is created\n');
    expect(stdout).toContain('- Stream jobx--p1 is removed; its data is kept\n');
    expect(stdout).toMatch(/- Job jobx--p1-\w{8} is removed\n/);
    place.write('empty/notes.txt', '');
    const empty = await kflow('plan', fixture('update'), '--against', 'empty');
    expect([empty.status, empty.stdout.match(/is created/g)?.length]).toEqual([2, 16]);
  });

  test('rejects a missing folder', async () => {
    const { status, stderr } = await kflow('plan', fixture('update'), '--against', 'nowhere');
    expect([status, stderr]).toEqual([
      64,
      'kflow: --against nowhere: no such directory\nrun kflow plan --help for usage\n',
    ]);
  });

  test('ignores files that are not manifests of the flow', async () => {
    await kflow('synth', fixture('update'), '-o', 'out');
    mkdirSync(path.join(place.folder, 'out/folder.yaml'));
    symlinkSync('loop.yaml', path.join(place.folder, 'out/loop.yaml'));
    writeFileSync(path.join(place.folder, 'out/latin.yaml'), Buffer.from([0x61, 0x3a, 0xe9]));
    place.write('out/aliases.yaml', `a: &a [1]\nb: [${'*a, '.repeat(200)}]\nc: &c [*a]\n`);
    place.write(
      'out/odd.yaml',
      'apiVersion: 1\nkind: ConfigMap\nmetadata: { name: x, labels: { kflow.io/job: jobx } }\n',
    );
    writeFileSync(path.join(place.folder, 'out/broken.yaml'), 'a: [\n');
    place.write('out/other.yaml', 'kind: ConfigMap\nmetadata: { name: jobx--p1, namespace: default }\n');
    expect((await kflow('plan', fixture('update'), '--against', 'out')).status).toBe(0);
  });
});
