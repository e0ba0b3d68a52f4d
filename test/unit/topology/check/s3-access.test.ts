import type { Purpose } from '../../../../lib/topology/document/draft';
import { formatProblem } from '../../../../lib/topology/problem/problem';
import { readTopology } from '../../../../lib/topology/read-topology';
import { hideSecrets } from '../../../../lib/topology/secrets/hide-secrets';

const document = (fields: string) => `jobId: job
dag:
  - { id: read, type: raw-source, schema: {type: record, name: r, fields: []}, meta: {name: f, code: f}, out: [write] }
  - { id: write, type: s3-sink, topics: "s3a://results", addr: "s3:1", ${fields} }
`;
const problemsOf = (text: string, purpose: Purpose = 'run') =>
  readTopology(text, { file: 'a.yaml', defaultJobId: 'a', purpose }).problems.map(formatProblem);

test.each([
  'region: eu-central-1, user: u, password: p, sessionToken: t',
  'secret: s, secretKeys: [sessionToken, ca.crt]',
  'auth: environment, pathStyle: false',
  'user: u, password: p, ca: /etc/ca.crt',
  'user: u, password: p, ca: "-----BEGIN CERTIFICATE-----\\nabc\\n-----END CERTIFICATE-----"',
])('accepts %s', (fields) => {
  expect(problemsOf(document(fields))).toEqual([]);
});

test.each([
  ['region: "eu central"', 'must be a region, as in eu-central-1; got "eu central"'],
  ['ca: ca.crt', 'must be the text of a certificate (PEM), or the absolute path of a file; got "ca.crt"'],
  ['secretKeys: [ca.crt]', 'these are keys of a Secret; add "secret: NAME"'],
  ['secret: s, sessionToken: t', 'with "secret", the token is a key of the Secret: "secretKeys: [sessionToken]"'],
  ['secret: s, secretKeys: [token]', 'must be one of sessionToken, ca.crt, got "token"'],
  ['auth: environment, user: u', '"auth: environment" replaces user; remove one or the other'],
  ['auth: iam', 'must be "environment", got "iam"'],
  ['pathStyle: "no"', 'must be true or false, got "no"; write false without quotes'],
])('refuses %s', (fields, message) => {
  expect(problemsOf(document(fields))).toEqual([expect.stringContaining(message)]);
});

test('warns about a setting of S3 in a function that does not connect to an S3 server', () => {
  const text = document('user: u, password: p').replace('type: raw-source,', 'type: raw-source, region: eu-central-1,');
  expect(problemsOf(text)).toContainEqual(
    expect.stringContaining('"region" has no effect: a raw-source does not connect to an S3 server'),
  );
});

test('a session token is never shown', () => {
  const text = document('user: u, password: p, sessionToken: hunter2');
  expect(hideSecrets(text)).not.toContain('hunter2');
  expect(problemsOf(text.replace('hunter2', '[hunter2]')).join()).not.toContain('hunter2');
  expect(problemsOf(text, 'manifests-without-secrets')).toContainEqual(
    expect.stringContaining('dag[1].sessionToken  this document must not contain passwords'),
  );
});
