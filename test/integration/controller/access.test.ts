import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ControllerPlace } from '../../support/controller-place';

const folder = mkdtempSync(path.join(tmpdir(), 'kflow-access-'));
let place: ControllerPlace;

beforeAll(async () => {
  const tokens = path.join(folder, 'tokens.json');
  const of = (name: string, role: string, namespaces?: string[]) => ({
    name,
    role,
    token: `${name}-token-of-16-or-more`,
    namespaces,
  });
  writeFileSync(tokens, JSON.stringify([of('alice', 'operate', ['team-a']), of('root', 'admin')]), { mode: 0o600 });
  place = await ControllerPlace.open({ tokens });
});

afterAll(async () => {
  await place?.close();
  rmSync(folder, { recursive: true });
});

const topology = (code: string) => ({
  jobId: 'job',
  dag: [
    {
      id: 'one',
      type: 'raw-source',
      schema: { type: 'record', name: 'n', fields: [{ name: 'n', type: 'long' }] },
      meta: { name: 'one', update: true, code },
      out: ['leaf'],
    },
    { id: 'leaf', type: 'raw', meta: { name: 'leaf', code: 'def leaf(ctx, event): return None' } },
  ],
});
const before = topology('def one(): yield {"n": 1}');
const after = topology('def one(): yield {"n": 2}');

test('a token for one namespace cannot change flows of another, whatever the document names', async () => {
  expect(await place.as('root-token-of-16-or-more').call('POST', '/kflows/v1/team-b/job', before)).toMatchObject({
    status: 201,
  });
  const document = { ...after, namespace: 'team-b' };
  for (const query of ['', '?namespace=team-a']) {
    const answer = await place.as('alice-token-of-16-or-more').call('POST', `/kflows/update/v1${query}`, document);
    expect(answer.status).toBeGreaterThanOrEqual(400);
  }
  expect(
    await place.as('alice-token-of-16-or-more').call('POST', '/kflows/update/v1?namespace=team-b', after),
  ).toMatchObject({
    status: 403,
  });
  const { body } = await place.as('root-token-of-16-or-more').call('GET', '/kflows/v1/team-b/job');
  expect(body).toMatchObject({ revision: 1 });
});

test('a request without a token gets no information', async () => {
  expect((await place.call('GET', '/kflows/v1/team-b/job')).status).toBe(401);
});
