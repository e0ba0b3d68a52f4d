import { assertServed } from '../../../../../runtime/controller/flows/service/document-admission';

test.each([
  ['every namespace by default', undefined],
  ['the namespaces in its settings', ['team', 'other']],
])('a controller serves %s', (_, namespaces) => {
  expect(() => assertServed({ namespace: 'team' }, namespaces)).not.toThrow();
});

test('a controller refuses flows of other namespaces', () => {
  expect(() => assertServed({ namespace: 'elsewhere' }, ['team', 'other'])).toThrow(
    expect.objectContaining({ code: 'setting-invalid', message: expect.stringContaining('serves team, other') }),
  );
});
