import { type AccountLimits, accountToken, operatorToken } from './claims';
import type { DerivedKeys } from './derived-keys';

/**
 * The part of nats-server's configuration that puts it into operator mode: it trusts the operator of the installation, keeps
 * the accounts it is given in `folder`, and admits nobody without a token that such an account has signed.
 */
export function operatorConfig(keys: DerivedKeys, folder: string): readonly string[] {
  const { operator, system } = keys.ofServer();
  const { publicKey } = system.account;
  const claims = {
    name: system.name,
    account: publicKey,
    signingKey: system.signer.publicKey,
    isSystem: true,
  } as const;
  return [
    `operator: ${operatorToken(operator, { name: 'kflow', system: publicKey })}`,
    `system_account: ${publicKey}`,
    `resolver: { type: full, dir: ${JSON.stringify(folder)}, allow_delete: false, interval: "2m" }`,
    `resolver_preload: { ${publicKey}: ${accountToken(operator, claims, 0)} }`,
  ];
}

/**
 * A configuration for nats-server to include, with an account for each namespace and one for the controller. It has public keys
 * only: whoever logs in proves that they hold the secret one, which is derived from the installation key.
 */
export function accountsConfig(keys: DerivedKeys, namespaces: readonly string[], limits: AccountLimits = {}): string {
  const controller = keys.ofController();
  const accounts = [
    { name: controller.name, users: [controller.controller] },
    ...namespaces.map((namespace) => {
      const { name, controller: own } = keys.ofNamespace(namespace);
      return { name, users: [own, keys.ofFlowsIn(namespace)], limits };
    }),
  ];
  const lines = accounts.flatMap(({ name, users, limits: own = {} }: ConfiguredAccount) => [
    `  ${JSON.stringify(name)} {`,
    `    jetstream: ${jetstreamOf(own)}`,
    ...(own.connections === undefined ? [] : [`    limits: { max_connections: ${own.connections} }`]),
    `    users: [${users.map(({ publicKey }) => `{ nkey: ${publicKey} }`).join(', ')}]`,
    '  }',
  ]);
  return ['accounts {', ...lines, '}', ''].join('\n');
}

interface ConfiguredAccount {
  readonly name: string;
  readonly users: readonly { readonly publicKey: string }[];
  readonly limits?: AccountLimits;
}

function jetstreamOf({ storageBytes }: AccountLimits): string {
  return storageBytes === undefined ? 'enabled' : `{ max_file: ${storageBytes}, max_memory: 0 }`;
}
