import { refusal } from '../../../../../runtime/adapters/kubernetes/api/api-refusal';

const immutable = { reason: 'FieldValueInvalid', message: 'Invalid value: {}: field is immutable' };
const negative = { reason: 'FieldValueInvalid', message: 'must be greater than or equal to 0' };

test.each([
  ['object-immutable', 'an immutable field alone', 422, [immutable]],
  ['config-invalid', 'an immutable field beside another fault', 422, [immutable, negative]],
  ['config-invalid', 'a rejected value', 422, [negative]],
  ['store-failed', 'an overloaded server', 429, []],
  ['store-failed', 'a namespace that is being deleted', 403, [{ reason: 'NamespaceTerminating' }]],
  ['config-invalid', 'an object that a policy denies', 403, []],
  ['credentials-refused', 'an unknown caller', 401, []],
  ['credentials-refused', 'a proxy that wants a login', 407, []],
  ['credentials-refused', 'a redirect to a login', 302, []],
  ['store-failed', 'a server that fails', 500, []],
])('the code is `%s` for %s', (code, _what, status, causes) => {
  const answer = { status, body: { message: 'Deployment is invalid', details: { causes } }, warnings: [] };
  expect(refusal(answer, 'apply Deployment team/app')).toMatchObject({ code });
});

test('a controller that may not manage the Secrets of a namespace is told the command', () => {
  const message =
    'secrets "db" is forbidden: User "system:serviceaccount:kflow:kflow-controller" cannot patch resource "secrets" in API group "" in the namespace "orders"';
  const answer = { status: 403, body: { message }, warnings: [] };
  expect(refusal(answer, 'apply Secret orders/db').message).toBe(
    `apply Secret orders/db: ${message}; let the controller manage the Secrets of this namespace: kubectl create rolebinding kflow-flow-secrets --namespace orders --clusterrole kflow-flow-secrets --serviceaccount kflow:kflow-controller`,
  );
});

test.each([
  ['permission-missing', 'User "system:serviceaccount:kflow:kflow-controller" cannot patch resource "jobs"'],
  ['credentials-refused', 'User "system:anonymous" cannot patch resource "jobs"'],
])('the code of a denied call is `%s` for: %s', (code, message) => {
  const answer = { status: 403, body: { message: `jobs is forbidden: ${message}` }, warnings: [] };
  expect(refusal(answer, 'apply Job team/app')).toMatchObject({ code });
});
