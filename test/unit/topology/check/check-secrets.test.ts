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

test('refuses an address with credentials always, and what a manifest would show when there is to be one', () => {
  expect(exposed('run')).toEqual(['dag[1].addr']);
  expect(exposed('manifests')).toEqual(['dag[1].addr', 'dag[1].meta.apiToken']);
});

test('refuses every value of a secret when there are to be none', () => {
  const text = readFileSync(path.join(__dirname, '../../../fixtures/topologies/message-store.yaml'), 'utf8');
  expect(exposed('manifests-without-secrets')).toEqual([
    'dag[1].addr',
    'dag[1].meta.apiToken',
    'dag[1].meta.container.env[2].value',
  ]);
  expect(exposed('manifests-without-secrets', text)).toEqual(['globalConfig.messageStore.password', 'dag[0].password']);
});

test.each(['DB_PASSWORD', 'apiKey', 'access-key', 'token', 'client.secret', 'GITHUB_TOKEN'])('%s is secret', (name) => {
  expect(isSecretName(name)).toBe(true);
});

test.each(['max_tokens', 'tokenizer', 'secretary', 'key', 'passwordless', 'KFLOW_SKIP_DOWNLOAD_ERROR'])(
  '%s is not',
  (name) => expect(isSecretName(name)).toBe(false),
);
