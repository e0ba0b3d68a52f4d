import { compareDebianVersions } from '../../../tools/image/debian-version';

test.each([
  ['1.0', '1.0', 0],
  ['1.9', '1.10', -1],
  ['1:1.0', '2.0', 1],
  ['1.0-1', '1.0-1+deb13u1', -1],
  ['1.0~rc1-1', '1.0-1', -1],
  ['2.41-12+deb13u5', '2.41-12+deb13u10', -1],
  ['1.0a', '1.0+', -1],
  ['0-1-2', '0-1-3', -1],
])('%s and %s are ordered as dpkg orders them', (left, right, order) => {
  expect([compareDebianVersions(left, right), compareDebianVersions(right, left)]).toEqual([order, 0 - order]);
});
