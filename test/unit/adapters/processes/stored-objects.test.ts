import { ConfigError } from '../../../../lib/errors';
import { parseObject } from '../../../../runtime/adapters/processes/stored-objects';

const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'job----flow', namespace: 'team' } };

test('accepts an object with the names that Kubernetes accepts', () => {
  expect(parseObject(object)).toEqual(object);
  const dotted = { ...object, metadata: { name: 'kube.root-ca.crt', namespace: 'team' } };
  expect(parseObject(dotted)).toEqual(dotted);
});

test('rejects names that are paths, and names each invalid field', () => {
  const metadata = { name: '../secrets', namespace: 'team.prod' };
  expect(() => parseObject({ ...object, kind: '..', metadata })).toThrow(ConfigError);
  expect(() => parseObject({ ...object, kind: '..', metadata })).toThrow(
    /^not a Kubernetes object: kind: .*; metadata\.name: must be a DNS subdomain; metadata\.namespace: must be a DNS label; got \{/,
  );
});
