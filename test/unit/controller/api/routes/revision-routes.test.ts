import type { FastifyInstance } from 'fastify';
import { apiWith } from '../support';

let app: FastifyInstance;
beforeEach(async () => {
  ({ app } = await apiWith());
});
afterEach(() => app.close());

const base = '/revisions/v1/demo';
const post = (url: string, payload: object = {}) => app.inject({ method: 'POST', url, payload });
const get = async (url: string) => (await app.inject(url)).json();

const double = `component: Double
category: Arithmetic
inputs: { n: { type: int, default: 1 } }
outputs: { twice: { type: int } }
code: |
  def main(*, n): return {"twice": 2 * n}
`;
const triple = double.replace('2 * n', '3 * n');
const given = '79ce1eb1-3ef8-4c74-9114-c856fd88dc89';

async function publish(document: string, more: object = {}) {
  const { statusCode, headers, body } = await post(base, { document, ...more });
  return { statusCode, location: headers.location, ...JSON.parse(body) };
}

test('a component is published as a draft, released, and found by id, tag and group', async () => {
  const first = await publish(double, { tag: '1.0.0', comment: 'new' });
  expect(first).toMatchObject({
    statusCode: 201,
    location: `${base}/${first.id}`,
    outcome: 'created',
    state: 'Draft',
    isLatest: false,
    group: { name: 'Double' },
    category: 'Arithmetic',
    by: 'anonymous',
    comment: 'new',
  });
  expect(await get(`${base}/Double`)).toMatchObject({
    status: 404,
    detail: expect.stringContaining('no revision of the group Double is released'),
  });
  const released = await post(`${base}/Double:1.0.0/release`);
  expect(released.json()).toMatchObject({ id: first.id, state: 'Released', isLatest: true });
  for (const ref of [first.id, first.id.toUpperCase(), 'Double', 'Double:latest', `${first.group.id}:1.0.0`]) {
    expect(await get(`${base}/${ref}`)).toMatchObject({
      id: first.id,
      document: double,
      inputs: [{ name: 'n', type: 'int', default: { value: 1 } }],
      outputs: [{ name: 'twice', type: 'int' }],
    });
  }
});

test('the same publication changes nothing, and a draft is replaced', async () => {
  const { id } = await publish(double, { tag: '1' });
  expect(await publish(double, { tag: '1' })).toMatchObject({ statusCode: 200, outcome: 'unchanged', id });
  expect(await publish(triple, { tag: '1', release: true })).toMatchObject({
    outcome: 'updated',
    id,
    state: 'Released',
  });
  expect(await publish(double, { tag: '1' })).toMatchObject({
    statusCode: 409,
    code: 'state-invalid',
    detail: expect.stringContaining('publish it with another tag'),
  });
  expect(await publish(`${triple}documentation: Threefold\n`, { tag: '1' })).toMatchObject({ outcome: 'updated', id });
});

test('ids are those that are given, of the revision and of the group, and stand for one revision', async () => {
  const group = 'd0d40c45-aef0-424a-a8f4-b16cd5f8b129';
  const named = `${double}id: ${given}\ngroup: ${group}\ntag: 1.0.0\n`;
  expect(await publish(named)).toMatchObject({ id: given, group: { id: group, name: 'Double' } });
  expect(await publish(named, { group: 'Other' })).toMatchObject({
    statusCode: 409,
    detail: expect.stringContaining(`the revision ${given} belongs to the group Double (${group})`),
  });
  expect(await publish(named, { tag: '1.0.1' })).toMatchObject({ outcome: 'updated', tag: '1.0.1' });
});

test('a group has one id in its namespace, whether it is named or not', async () => {
  const { group } = await publish(double, { tag: '1' });
  expect((await publish(triple, { tag: '2', group: group.id })).group).toEqual(group);
  const other = await post('/revisions/v1/other', { document: double, tag: '1' });
  expect(other.json().group.id).not.toBe(group.id);
});

test('a list has the revisions of a namespace, a group, a state, or of all namespaces', async () => {
  await publish(double, { tag: '1', release: true });
  await publish(triple, { tag: '2' });
  await publish(triple, { tag: '1', group: 'Triple' });
  await post('/revisions/v1/other', { document: double, tag: '1' });
  const tags = async (url: string) =>
    (await get(url)).map((each: { group: { name: string }; tag: string }) => `${each.group.name}:${each.tag}`).sort();
  expect(await tags(base)).toEqual(['Double:1', 'Double:2', 'Triple:1']);
  expect(await tags(`${base}?group=Double`)).toEqual(['Double:1', 'Double:2']);
  expect(await tags(`${base}?state=Draft`)).toEqual(['Double:2', 'Triple:1']);
  expect(await get('/revisions/v1')).toHaveLength(4);
});

test('a disabled revision is not the latest, and only drafts can be deleted', async () => {
  await publish(double, { tag: '1', release: true });
  await publish(triple, { tag: '2', release: true });
  expect((await post(`${base}/Double/disable`)).json()).toMatchObject({ tag: '2', state: 'Disabled', isLatest: false });
  expect(await get(`${base}/Double`)).toMatchObject({ tag: '1', isLatest: true });
  const remove = (ref: string) => app.inject({ method: 'DELETE', url: `${base}/${ref}` });
  expect((await remove('Double:1')).json()).toMatchObject({ status: 409, code: 'state-invalid' });
  await publish(double, { tag: '3' });
  expect((await remove('Double:3')).statusCode).toBe(200);
  expect((await remove('Double:3')).json()).toMatchObject({ status: 404, code: 'revision-missing' });
});

test.each<[string, object, number, string]>([
  ['a document with problems', { document: 'component: A\n', tag: '1' }, 422, 'the key "outputs" is missing'],
  ['a document without a tag', { document: double }, 422, 'tag: missing; name the version'],
  ['the tag "latest"', { document: double, tag: 'latest' }, 422, 'tag: must not be "latest"'],
  ['a long tag', { document: double, tag: '1'.repeat(21) }, 400, 'body.tag: must have at most 20 characters'],
  ['a module', { document: double.replace(/code: [\s\S]*/, 'module: a.py'), tag: '1' }, 422, 'module: a.py is a file'],
  ['an unknown key', { document: double, tags: '1' }, 400, 'body: unknown key "tags"'],
])('refused is %s', async (_title, body, status, detail) => {
  const answer = (await post(base, body)).json();
  expect([answer.status, answer.detail]).toEqual([status, expect.stringContaining(detail)]);
});
