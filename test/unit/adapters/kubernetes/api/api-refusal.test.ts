import { refusal } from '../../../../../runtime/adapters/kubernetes/api/api-refusal';

const immutable = { reason: 'FieldValueInvalid', message: 'Invalid value: {}: field is immutable' };
const negative = { reason: 'FieldValueInvalid', message: 'must be greater than or equal to 0' };

test.each([
  ['object-immutable', 'an immutable field alone', 422, [immutable]],
  ['config-invalid', 'an immutable field beside another fault', 422, [immutable, negative]],
  ['config-invalid', 'a rejected value', 422, [negative]],
  ['store-failed', 'an overloaded server', 429, []],
  ['store-failed', 'a namespace that is being deleted', 403, [{ reason: 'NamespaceTerminating' }]],
])('the code is `%s` for %s', (code, _what, status, causes) => {
  const answer = { status, body: { message: 'Deployment is invalid', details: { causes } }, warnings: [] };
  expect(refusal(answer, 'apply Deployment team/app')).toMatchObject({ code });
});
