import {
  assertNamespace,
  assertRole,
  type Caller,
  namespaceFor,
  roles,
} from '../../../../../runtime/controller/api/access/caller';

const vera: Caller = { name: 'vera', role: 'view' };
const team: Caller = { name: 'team', role: 'operate', namespaces: ['a'] };
const teams: Caller = { name: 'teams', role: 'operate', namespaces: ['a', 'b'] };

const denial = (call: () => unknown): unknown => {
  try {
    return ['allowed', call()];
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return [code, message];
  }
};

test.each(roles.flatMap((role) => roles.map((needed) => [role, needed] as const)))(
  'a caller with the role %s is checked for %s by the order of the roles',
  (role, needed) => {
    const rank = { view: 1, operate: 2, admin: 3 };
    const expected =
      rank[role] >= rank[needed]
        ? ['allowed', undefined]
        : ['access-denied', `"vera" has the role ${role}; the request requires ${needed}`];
    expect(denial(() => assertRole({ ...vera, role }, needed))).toEqual(expected);
  },
);

test('a caller without a list of namespaces has access to all; others only to their own', () => {
  expect(denial(() => assertNamespace(vera, 'b'))).toEqual(['allowed', undefined]);
  expect(denial(() => assertNamespace(teams, 'b'))).toEqual(['allowed', undefined]);
  for (const other of ['b', 'a2', 'A', '']) {
    const message = `"team" has no access to the namespace ${other}, only to a`;
    expect(denial(() => assertNamespace(team, other))).toEqual(['access-denied', message]);
  }
});

test.each([
  ['the named namespace', team, 'a', ['allowed', 'a']],
  ['a namespace of somebody else', team, 'b', ['access-denied', '"team" has no access to the namespace b, only to a']],
  ['its only namespace', team, undefined, ['allowed', 'a']],
  ['all namespaces', vera, undefined, ['allowed', undefined]],
  [
    'one of several namespaces',
    teams,
    undefined,
    ['access-denied', '"teams" has no access to all namespaces; name one of a, b'],
  ],
])('a request for %s concerns it, or is denied', (_what, caller, named, expected) => {
  expect(denial(() => namespaceFor(caller, named))).toEqual(expected);
});
