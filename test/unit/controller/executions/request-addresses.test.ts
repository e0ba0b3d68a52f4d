import { RequestAddresses } from '../../../../runtime/controller/executions/activities/request-addresses';

const addresses = new RequestAddresses(['shop=http://shop/v1', 'test/shop=http://shop.test:81']);

test.each([
  ['orders/7?x=1', undefined, 'http://shop/v1/orders/7?x=1'],
  ['/orders', undefined, 'http://shop/v1/orders'],
  ['//orders', undefined, 'http://shop/v1/orders'],
  ['orders', 'test', 'http://shop.test:81/orders'],
  ['http://other/x', undefined, 'http://shop/v1/http://other/x'],
])('%s in %s is %s', (path, environ, expected) => {
  expect(addresses.of(path, { category: 'shop', environ })).toBe(expected);
});

test.each(['../x', 'a/../../x', '%2e%2e/x', '..\\x', './../v2'])('%s leaves the service', (path) => {
  expect(() => addresses.of(path, { category: 'shop' })).toThrow('not a path below the address of shop');
});

test('a service without an address is named', () => {
  expect(() => addresses.of('x', { category: 'mail' })).toThrow('mail: no such address');
  expect(() => addresses.of('x', { category: 'shop', environ: 'live' })).toThrow('live/shop: no such address');
});
