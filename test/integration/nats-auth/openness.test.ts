import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { inspectNats } from '../../../runtime/adapters/jetstream/access/inspect-nats';
import { LoginPlace, secret } from '../../support/login-place';

const place = new LoginPlace();
const { ca, cert, key } = place.ca('ca');
const certificate = { 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key };
const user = { user: 'me', password: secret };
const users = `users: [{ user: me, password: "${secret}" }]`;
const verify = place.tls('ca', ', verify: true');

/** A stranger has no credentials, and at most the CA of the server. */
const servers = [
  { is: 'without users', isOpen: true, config: [], files: undefined },
  { is: 'without users, to a client that has a login', isOpen: true, config: [], files: user },
  { is: 'with users', isOpen: false, config: [`authorization { ${users} }`], files: user },
  {
    is: 'with a user for those without a login',
    isOpen: true,
    config: [`accounts { KFLOW { jetstream: enabled, ${users} } }`, 'no_auth_user: me'],
    files: user,
  },
  {
    is: 'with users of the system account only',
    isOpen: true,
    config: [`accounts { SYS { ${users} } }`, 'system_account: SYS'],
    files: undefined,
  },
  { is: 'with TLS', isOpen: true, config: [place.tls('ca')], files: { 'ca.crt': ca } },
  { is: 'that verifies certificates', isOpen: false, config: [verify], files: certificate },
  {
    is: 'that verifies certificates of those who use TLS',
    isOpen: true,
    config: [verify, 'allow_non_tls: true'],
    files: certificate,
  },
];

test.each(servers)('a server $is lets strangers in: $isOpen', async ({ is, config, files, isOpen }) => {
  const { url } = await place.start(is.replaceAll(' ', '-'), config);
  const access = { url, ...(files === undefined ? {} : { credentials: place.credentials(files) }) };
  const connection = await connectNats(access, 'test');
  const view = await inspectNats(connection, access);
  await connection.close();
  expect(view.isOpen).toBe(isOpen);
});
