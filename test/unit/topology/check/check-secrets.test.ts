import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Purpose } from '../../../../lib/topology/document/draft';
import { isSecretName } from '../../../../lib/topology/problem/show-value';
import { readTopology } from '../../../../lib/topology/read-topology';

const file = path.join(__dirname, '../../../fixtures/broken/container.yaml');

function exposed(purpose: Purpose, text = readFileSync(file, 'utf8')): readonly string[] {
  const { problems } = readTopology(text, { file: 'a.yaml', defaultJobId: 'a', purpose });
  return problems.filter(({ code }) => code === 'secret-exposed').map((problem) => problem.path);
}

test('always rejects an address with credentials, and rejects exposed secrets when a manifest will be written', () => {
  expect(exposed('run')).toEqual(['dag[1].addr']);
  expect(exposed('manifests')).toEqual(['dag[1].addr', 'dag[1].meta.apiToken']);
  expect(exposed('controller')).toEqual(exposed('manifests'));
});

test('rejects every secret value if the manifests must not contain secrets', () => {
  const text = readFileSync(path.join(__dirname, '../../../fixtures/topologies/message-store.yaml'), 'utf8');
  expect(exposed('manifests-without-secrets')).toEqual([
    'dag[1].addr',
    'dag[1].meta.apiToken',
    'dag[1].meta.container.env[2].value',
  ]);
  expect(exposed('manifests-without-secrets', text)).toEqual(['globalConfig.messageStore.password', 'dag[0].password']);
});

test.each(['DB_PASSWORD', 'apiKey', 'access-key', 'token', 'client.secret', 'GITHUB_TOKEN', 'Authorization', 'cookie'])(
  '%s is the name of a secret',
  (name) => {
    expect(isSecretName(name)).toBe(true);
  },
);

test.each(['max_tokens', 'tokenizer', 'secretary', 'author', 'key', 'passwordless', 'KFLOW_SKIP_DOWNLOAD_ERROR'])(
  '%s is not the name of a secret',
  (name) => expect(isSecretName(name)).toBe(false),
);

test.each([
  [{ headers: { Authorization: 'x' } }, ['dag[0].meta.headers.Authorization']],
  [{ headers: ['X-Auth: Bearer eyJhbGciOiJ9.e30.c2ln'] }, ['dag[0].meta.headers[0]']],
  [{ curl: '-H "Authorization: Basic dXNlcjpwYXNzd29yZA1="' }, ['dag[0].meta.curl']],
  [{ headers: { Cookie: 'JSESSIONID=4f2a' } }, ['dag[0].meta.headers.Cookie']],
  [{ title: 'Basic functionality', holder: 'Bearer certificates' }, []],
  [{ title: 'Basic tutorial-2024 of it', about: 'Bearer tutorial-2024 of it' }, []],
  [{ authorization: 'none', sessionCookie: 'JSESSIONID' }, []],
  [{ erlangCookie: 'planted' }, ['dag[0].meta.erlangCookie']],
])('credentials of a header must not be in a manifest: %j', (meta, paths) => {
  const text = JSON.stringify({ dag: [{ id: 'a', type: 'raw-source', meta }] });
  expect(exposed('manifests', text)).toEqual(paths);
});

test('the message about an address with credentials does not show them', () => {
  const text = JSON.stringify({
    dag: [{ id: 'a', type: 'raw-source', meta: { container: { egress: ['me:hunter2@db:5432'] } } }],
  });
  const { problems } = readTopology(text, { file: 'a.yaml', defaultJobId: 'a', purpose: 'manifests' });
  expect(problems.map(({ message }) => message)).toContain('must be host:port, got "…@db:5432"');
});
