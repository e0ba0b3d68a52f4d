import { cpuTimeMs, errorsOf, printed, readFixture, readFixtures, readText } from './topology-fixtures';

const small = [
  'dag:',
  '  - { id: list, type: fs-source, format: list, topics: "s3a://docs", out: [sink] }',
  '  - { id: sink, type: s3-sink, topics: "s3a://out" }',
  '',
].join('\n');

describe('valid documents', () => {
  test.each(readFixtures('topologies'))('$file is read without an error', ({ file, text }) => {
    const { problems, topology } = readText(text, file);
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(topology?.dag.length).toBeGreaterThan(1);
  });

  test('may have a byte order mark or CRLF line endings', () => {
    const plain = readText(small).topology;
    expect(plain).toBeDefined();
    expect(readText(`\ufeff${small}`).topology).toEqual(plain);
    expect(readText(small.replaceAll('\n', '\r\n')).topology).toEqual(plain);
  });

  test('may be JSON, indented with tabs', () => {
    const { topology } = readFixture('topologies', 'as-json.json');
    expect(topology).toMatchObject({ jobId: 'as-json', mode: 'batch' });
    expect(topology?.dag[1]).toMatchObject({ user: 'café 😀', password: '123456', out: [] });
  });
});

describe('a completed topology', () => {
  test('has every default', () => {
    const { topology } = readText(small, 'Etl_Jobs.v2.yaml');
    const globalConfig = {
      store: { autoDownload: false },
      messageStore: { enabled: false },
      sideStream: { enabled: false },
      metrics: { enabled: false, port: 9002 },
      devStore: { enabled: false },
      stream: { maxMsgs: 100_000, maxBytes: 1_073_741_824, replicas: 1, onDelete: 'keep' },
    };
    const container = {
      env: [],
      envFrom: [],
      resources: { requests: {}, limits: {} },
      volumes: [],
      volumeMounts: [],
      sidecars: [],
      egress: [],
      imagePullSecrets: [],
      nodeSelector: {},
      affinity: {},
      tolerations: [],
      podLabels: {},
      podAnnotations: {},
    };
    const meta = {
      language: 'python',
      checkpoint: false,
      concurrency: 1,
      maxPollIntervalMs: 120_000,
      maxDeliver: 5,
      ack: 'auto',
      logicalTypes: false,
      container,
      pause: false,
      update: false,
      updatePolicy: 'KeepOffset',
      restart: false,
      own: {},
    };
    const common = { parallelism: 1, sideOuts: [], globalConfig, meta };
    expect(topology).toEqual({
      namespace: 'default',
      jobId: 'etl-jobs-v2',
      mode: 'stream',
      parallelism: 1,
      globalConfig,
      container,
      dag: [
        { id: 'list', type: 'fs-source', format: 'list', topics: 's3a://docs', out: ['sink'], ...common },
        { id: 'sink', type: 's3-sink', topics: 's3a://out', out: [], ...common },
      ],
    });
  });

  test('inherits globalConfig key by key, and the store if a source or sink has no address', () => {
    const { topology } = readFixture('topologies', 'basic-pipeline.yaml');
    const [source, count, write] = topology?.dag ?? [];
    expect(count?.globalConfig.store).toEqual({
      addr: '192.168.100.237:32657',
      user: 'minioadmin',
      password: 'password',
      autoDownload: true,
    });
    expect(count?.globalConfig.sideStream).toEqual({
      enabled: true,
      addr: '192.168.100.237:32658',
      errorTopics: 'count-errors.error',
    });
    expect(source).toMatchObject({ addr: '192.168.100.237:32657', user: 'minioadmin', password: 'password' });
    expect(write).toMatchObject({ addr: '192.168.100.237:32657', globalConfig: { store: { autoDownload: false } } });
    expect(count?.addr).toBeUndefined();
  });

  test('enables message stores only for functions that set messageStore.enabled themselves', () => {
    const { topology } = readFixture('topologies', 'message-store.yaml');
    expect(topology?.globalConfig.messageStore.enabled).toBe(true);
    expect(topology?.dag.map(({ globalConfig }) => globalConfig.messageStore.enabled)).toEqual([false, true, false]);
    expect(topology?.dag[1]?.globalConfig.messageStore.topics).toBe('kflowinternal');
  });

  test('has the settings of meta from flat and nested keys, and meta as written', () => {
    const { topology } = readFixture('topologies', 'meta-forms.yaml');
    const [, flat, nested, sink] = topology?.dag ?? [];
    expect(flat?.meta).toMatchObject({ maxPollIntervalMs: 30_000, downloadDirectory: '/tmp/flat', name: 'process' });
    expect(flat?.meta.own).toMatchObject({ increment: 3, date: '2024-01-01', max: 17, 'max.poll.interval.ms': 30_000 });
    expect(nested?.meta).toMatchObject({
      maxPollIntervalMs: 30_000,
      downloadDirectory: '/tmp/nested/',
      maxDeliver: 2,
      concurrency: 8,
      code: flat?.meta.code,
      container: { env: [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'tokens', key: 'token' } } }] },
    });
    expect(nested).toMatchObject({
      id: 'nested',
      parallelism: 3,
      out: ['sink'],
      image: 'kflow-basic-python-runtime:dev',
    });
    expect(sink?.meta.bulk).toEqual({ flushTimerMs: 1000, flushSize: 500, flushBytes: 5_242_880 });
  });

  test('prefers the credentials of a function to those of globalConfig', () => {
    const document = (root: string, own: string) =>
      `globalConfig: { store: { addr: "s3:1", ${root} } }\ndag:\n  - { id: list, type: fs-source, format: list, topics: "s3a://docs", out: [end], ${own} }\n  - { id: end, type: raw, image: end:1 }`;
    const source = (root: string, own: string) => readText(document(root, own), 'a.yaml').topology?.dag[0];
    expect(source('user: u, password: p', 'secret: mine')).toMatchObject({ addr: 's3:1', secret: 'mine' });
    expect(source('user: u, password: p', 'secret: mine')).not.toHaveProperty('password');
    expect(source('secret: ours', 'user: u, password: p')).not.toHaveProperty('secret');
    expect(source('secret: ours', 'addr: "s3:2"')).toMatchObject({ addr: 's3:2', secret: 'ours' });
    expect(source('user: u', 'password: p')).toMatchObject({ user: 'u', password: 'p' });
  });

  test('keeps the keys of meta whose value is null', () => {
    const { topology } = readText(small.replace('s3-sink,', 's3-sink, meta: { code: null, mine: null },'));
    expect(topology?.dag[1]?.meta.own).toEqual({ code: null, mine: null });
    expect(topology?.dag[1]?.meta.code).toBeUndefined();
  });

  test('is deeply frozen', () => {
    const { topology } = readFixture('topologies', 'meta-forms.yaml');
    const container = topology?.dag[2]?.meta.own.container;
    expect(Object.isFrozen(container)).toBe(true);
    expect(Object.isFrozen(topology?.dag[0]?.globalConfig.store)).toBe(true);
  });
});

describe('text that is not a topology', () => {
  test.each([
    ['', '1:1  the file is empty'],
    ['# only a comment\n', '1:1  the file is empty'],
    ['---\n...\n', '1:4  the file is empty'],
    ['- a\n', '1:1  must be a map with the key "dag"'],
    ['text', '1:1  must be a map with the key "dag"'],
  ])('has one problem: %j', (text, message) => {
    expect(printed(readText(text))).toEqual([message]);
  });

  test.each([
    ['---\n'],
    ['---\n# the end\n'],
    ['...\n'],
    ['...\n# the end\n'],
    ['---\n...\n---\n\n'],
    ['...\n%YAML 1.2\n---\n'],
  ])('may have empty documents after the topology: %j', (end) => {
    const { topology, problems } = readText(`${small}\n${end}`);
    expect([topology?.dag.length, problems]).toEqual([2, []]);
  });

  test('may have empty documents before the topology, and problems have their place in the text', () => {
    expect(readText(`---\n# license\n---\n${small}`).topology?.dag).toHaveLength(2);
    expect(printed(readText('---\n---\njobid: x\n'))).toEqual(
      expect.arrayContaining([expect.stringMatching(/^3:1 {2}jobid {2}unknown key "jobid"/)]),
    );
  });

  test.each([
    ['---\nnull\n', 4],
    ['---\n---\njobId: other\n', 5],
  ])('must not have a second topology: %j', (end, line) => {
    const lines = small.split('\n').length;
    expect(printed(readText(`${small}\n${end}`))).toEqual([
      `${lines + line - 2}:1  a second document begins here; a file must contain one topology`,
    ]);
  });

  test.each(['[', '{a: ', '- ', '? ', '- ? [', 'a: [', '? - '])('is rejected quickly: 100000 times %j', (part) => {
    const start = cpuTimeMs();
    const { problems } = readText(part.repeat(100_000));
    expect(cpuTimeMs() - start).toBeLessThan(2000);
    expect(problems.length).toBeGreaterThan(0);
  });

  test('is rejected if maps are nested too deep', () => {
    const text = Array.from({ length: 2000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n');
    expect(printed(readText(text))).toEqual(['101:101  nested too deep for a topology']);
  });

  test('is rejected if it is an alias bomb', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 12; level += 1) {
      lines.push(
        `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );
    }
    const start = cpuTimeMs();
    expect(errorsOf(lines.join('\n')).join('\n')).toContain('the aliases expand to more than 100000 values');
    expect(cpuTimeMs() - start).toBeLessThan(2000);
  });

  test('is rejected if a key would change the prototype', () => {
    expect(errorsOf(`${small}__proto__: { mode: batch }\n`)).toEqual(['4:1  the key "__proto__" is not allowed']);
  });

  test('has at most a hundred problems', () => {
    expect(readText('}\n'.repeat(5000)).problems.length).toBeLessThanOrEqual(100);
  });
});

describe('the position of a fault in a schema', () => {
  const schema = '{"type": "record", "name": "r", "fields": [\n  {"name": "x", "type": "strng"}\n]}';
  const withSchema = (written: string): string =>
    small.replace('s3-sink, topics: "s3a://out" }', `s3-sink, schema: ${written} }`);
  const block = (header: string, newline = '\n'): string =>
    [
      ...small.split('\n').slice(0, 2),
      '  - id: sink',
      '    type: s3-sink',
      '    topics: s3a://out',
      `    schema: ${header}`,
      ...schema.split('\n').map((line) => `      ${line}`),
      '',
    ].join(newline);
  const message = 'dag[1].schema  field x: unknown type "strng"; did you mean "string"?';

  test.each([
    ['literal block', block('|')],
    ['literal block without a final newline', block('|-')],
    ['literal block with an explicit indentation', block('|2')],
    ['literal block with an anchor', block('&schema |')],
    ['literal block with CRLF line endings', block('|', '\r\n')],
  ])('is exact in a %s', (_kind, text) => {
    expect(errorsOf(text)).toEqual([`8:31  ${message}`]);
  });

  test('is the start of the schema in quoted text', () => {
    expect(errorsOf(withSchema(`'${schema.replace('\n', ' ').replace('\n', ' ')}', topics: "s3a://out"`))).toEqual([
      `3:40  ${message}`,
    ]);
  });

  test('is the faulty value in a schema written as a map', () => {
    const map = '{ type: record, name: r, fields: [{ name: x, type: strng }] }, topics: "s3a://out"';
    expect(errorsOf(withSchema(map))).toEqual([`3:91  ${message.replace('schema', 'schema.fields[0].type')}`]);
  });
});
