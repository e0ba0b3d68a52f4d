import { readFileSync } from 'node:fs';
import path from 'node:path';
import { NotFoundError, OperationError, Result, type ResultFields } from '../../../runtime/operations';

const file = path.join(__dirname, '../../fixtures/operations/results.json');

interface Cases {
  readonly lookups: readonly { readonly path: string; readonly found?: unknown }[];
  readonly retval: ResultFields['retval'];
  readonly folds: readonly { readonly [result in 'old' | 'newer' | 'folded']: Partial<ResultFields> }[];
}

const { lookups, retval, folds }: Cases = JSON.parse(readFileSync(file, 'utf8'));

test.each(lookups)('a lookup of $path finds $found', ({ path: at, ...found }) => {
  const result = new Result({ retval });
  if ('found' in found) expect(result.searchValue(at)).toEqual(found.found);
  else {
    expect(() => result.searchValue(at)).toThrow(NotFoundError);
    expect(result.searchValue(at, 'none')).toBe('none');
  }
});

test.each(folds)('$newer is folded into $old', ({ old, newer, folded }) => {
  const [first, second] = [new Result(old), new Result(newer)];
  expect(first.plus(second).toJSON()).toEqual(folded);
  expect(first.toJSON()).toMatchObject(old);
});

test('a result is written as its text: that of its error if it failed', () => {
  expect(`${new Result({ stdout: 'out', stderr: 'err' })}`).toBe('out');
  expect(`${new Result({ retcode: 1, stdout: 'out', stderr: 'err' })}`).toBe('err');
});

test('a uuid in the extra of an error is that of its result', () => {
  expect(Result.fromException(new OperationError('no', { extra: { uuid: 'own' } }), 'other').uuid).toBe('own');
  expect(Result.fromException(new Error('no'), 'other').uuid).toBe('other');
});

test('an error with the code 0, which would be success, is refused', () => {
  expect(() => new OperationError('no', { code: 0 })).toThrow('code 0 means success');
});
