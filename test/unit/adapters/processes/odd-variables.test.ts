import { packOddVariables, unpackOddVariables } from '../../../../runtime/adapters/processes/odd-variables';

test('variables with names that a shell drops arrive unchanged', () => {
  const env = { PLAIN: 'a', 'db.password': 'it\'s "b"\n$HOME', '0': 'é', gone: undefined };
  const packed = packOddVariables(env);
  expect(Object.keys(packed).filter((name) => !/^[A-Za-z_]\w*$/.test(name))).toEqual([]);
  const arrived: NodeJS.ProcessEnv = { ...packed };
  unpackOddVariables(arrived);
  expect(arrived).toEqual({ PLAIN: 'a', 'db.password': 'it\'s "b"\n$HOME', '0': 'é' });
});

test('an environment without such names is passed on as it is', () => {
  const env = { PLAIN: 'a', _: 'b' };
  expect(packOddVariables(env)).toBe(env);
  unpackOddVariables(env);
  expect(env).toEqual({ PLAIN: 'a', _: 'b' });
});
