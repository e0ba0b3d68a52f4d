import { parse } from 'yaml';
import { hideSecrets } from '../../../../lib/topology/secrets/hide-secrets';
import { diffDocuments } from '../../../../runtime/controller/flows/documents/diff-documents';

const document = `# the store of the team
jobId: job   # short
globalConfig:
  store: { addr: "s3:9000", user: minio, password: hunter2 }
  messageStore:
    secret: team-store
    #password: hunter2
  container: { env: [{ name: DB_PASSWORD, value: hunter2 }], imagePullSecrets: [registry] }
dag:
  - id: list
    type: fs-source
    user: &who minio
    password: |
      hunter2
    addr: nats://me:hunter2@nats:4222,nats://t0ken@nats2:4222
    schema: { type: record, name: r, fields: [{ name: password, type: string }] }
    out: [map]
  - id: map
    type: raw
    meta:
      owner: *who
      apiKey: 'hunter2'   # of the shop
      tokens: { max: 3 }
      credentials: { login: me, pin: 1234 }
      secret: hunter2
      dsn: host=db user=me password=hunter2 sslmode=off
      container:
        env:
          - { name: DB_PASSWORD, value: "hunter2" }
          - { name: LEVEL, value: debug }
          - { name: PAT, valueFrom: { secretKeyRef: { name: team, key: password } } }
        imagePullSecrets: [registry]
        volumes: [{ name: certs, secret: { secretName: team } }]
      code: |
        password = "hunter2"
        key = os.environ["password"]
        def f(ctx, e): return get("http://me:hunter2@shop/", token='hunter2', tokenizer="t5")
`;

const hidden = `# the store of the team
jobId: job   # short
globalConfig:
  store: { addr: "s3:9000", user: "***", password: "***" }
  messageStore:
    secret: team-store
    #password: ***
  container: { env: [{ name: DB_PASSWORD, value: "***" }], imagePullSecrets: [registry] }
dag:
  - id: list
    type: fs-source
    user: &who "***"
    password: "***"
    addr: nats://***@nats:4222,nats://***@nats2:4222
    schema: { type: record, name: r, fields: [{ name: password, type: string }] }
    out: [map]
  - id: map
    type: raw
    meta:
      owner: *who
      apiKey: "***"   # of the shop
      tokens: { max: 3 }
      credentials: { login: "***", pin: "***" }
      secret: "***"
      dsn: host=db user=me password=*** sslmode=off
      container:
        env:
          - { name: DB_PASSWORD, value: "***" }
          - { name: LEVEL, value: debug }
          - { name: PAT, valueFrom: { secretKeyRef: { name: team, key: password } } }
        imagePullSecrets: [registry]
        volumes: [{ name: certs, secret: { secretName: team } }]
      code: |
        password = "***"
        key = os.environ["password"]
        def f(ctx, e): return get("http://***@shop/", token='***', tokenizer="t5")
`;

describe('a document with hidden secrets', () => {
  test('keeps comments and layout', () => {
    expect(hideSecrets(document)).toBe(hidden);
  });

  test('remains valid YAML or JSON', () => {
    expect(parse(hideSecrets(document))).toMatchObject({ dag: [{ user: '***', password: '***' }, {}] });
    const json = JSON.stringify(parse(document), null, '\t');
    expect(hideSecrets(json)).not.toContain('hunter2');
    expect(JSON.parse(hideSecrets(json))).toMatchObject({
      globalConfig: { store: { user: '***', password: '***' } },
      dag: [{ id: 'list' }, { meta: { credentials: { login: '***', pin: '***' }, tokens: { max: 3 } } }],
    });
  });

  test('hides an anchored value if its alias is a password', () => {
    const text = 'dag:\n- { id: a, meta: { word: &w hunter2 }, password: *w }\n';
    expect(hideSecrets(text)).toBe('dag:\n- { id: a, meta: { word: &w "***" }, password: *w }\n');
  });

  test('is not shown if it cannot be parsed', () => {
    expect(hideSecrets('password: [hunter2')).toBe('# the document is not shown, because it cannot be parsed\n');
  });
});

describe('a diff', () => {
  const names = { from: 'revision 1', to: 'revision 2' };

  test('is empty for equal documents', () => {
    expect(diffDocuments(document, document, names)).toBe('');
  });

  test('shows that a secret changed, but never the secret', () => {
    const from = 'dag:\n- id: a\n  password: hunter2\n  addr: nats://a:b@n\n- id: b\n  password: hunter2\n';
    const to =
      'dag:\n- id: b\n  password: hunter2\n- id: a\n  password: swordfish\n  addr: nats://a:c@n\n  parallelism: 3\n';
    expect(diffDocuments(from, to, names)).toBe(
      [
        '--- revision 1',
        '+++ revision 2',
        '@@ -1,6 +1,7 @@',
        ' dag:',
        '-- id: a',
        '-  password: "***"',
        '-  addr: nats://***@n',
        ' - id: b',
        '   password: "***"',
        '+- id: a',
        '+  password: "*** (changed)"',
        '+  addr: nats://*** (changed)@n',
        '+  parallelism: 3',
        '',
      ].join('\n'),
    );
  });
});

test.each([`${document}---\n`, `${document}...\n`, `---\n# license\n---\n${document}`])(
  'hides the secrets of a document beside empty ones: %#',
  (text) => {
    expect(hideSecrets(text)).toBe(text.replace(document, hideSecrets(document)));
    expect(hideSecrets(text)).not.toContain('hunter2');
  },
);

test('hides the credentials of headers, whatever they are named', () => {
  const text = 'meta:\n  headers: ["X-Auth: Bearer hunter2.hunter2"]\n  # was Basic aHVudGVyMjpodW50ZXIy\n';
  expect(hideSecrets(text)).toBe('meta:\n  headers: ["X-Auth: Bearer ***"]\n  # was Basic ***\n');
});
