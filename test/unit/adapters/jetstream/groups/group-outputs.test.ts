import { decodeOutputs, encodeOutputs } from '../../../../../runtime/adapters/jetstream/groups/group-outputs';

test('keeps the keys of outputs', () => {
  const outputs = [
    { id: 'map:in:1:0', payload: Buffer.from('one'), key: 'ArFe-HViZ2o' },
    { id: 'map@2:in:3:0', payload: Buffer.from('two') },
  ];
  expect(decodeOutputs(encodeOutputs(outputs))).toEqual(outputs);
});
