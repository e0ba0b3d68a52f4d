import { isDnsLabel } from '../../../../lib/topology/document/dns-label';
import { DerivedKeys } from '../../../adapters/nats-accounts/derived-keys';
import { accountsConfig, operatorConfig } from '../../../adapters/nats-accounts/server-config';
import { readKeyFile } from '../../../installation/key-file';
import { usageError } from '../../frame/exit-status';

export interface NatsConfigOptions {
  readonly keyFile: string;
  readonly namespaces: readonly string[] | undefined;
  readonly operator: boolean;
  readonly accountsDir: string | undefined;
  readonly maxStorage: number | undefined;
  readonly maxConnections: number | undefined;
}

const heading = '# Made by kflow nats-config from the installation key; contains no secrets.';

/** A part of the configuration of nats-server, which it includes. Throws CommandError for options that exclude each other. */
export function renderNatsConfig(options: NatsConfigOptions): string {
  const { keyFile, namespaces, operator, accountsDir, maxStorage, maxConnections } = options;
  const keys = new DerivedKeys(readKeyFile(keyFile));
  if (operator) {
    if (namespaces !== undefined || maxStorage !== undefined || maxConnections !== undefined) {
      const limits = 'limits are settings of the controller (nats.accounts.limits)';
      throw usageError(`with --operator, the controller makes the accounts of all namespaces, and ${limits}`);
    }
    return [heading, ...operatorConfig(keys, accountsDir ?? './accounts'), ''].join('\n');
  }
  if (accountsDir !== undefined) throw usageError('--accounts-dir requires --operator');
  if (namespaces === undefined) throw usageError('name the namespaces of flows with --namespaces, or use --operator');
  const wrong = namespaces.find((namespace) => !isDnsLabel(namespace));
  if (wrong !== undefined) throw usageError(`--namespaces: "${wrong}" is not the name of a namespace`);
  const limits = {
    ...(maxStorage === undefined ? {} : { storageBytes: maxStorage }),
    ...(maxConnections === undefined ? {} : { connections: maxConnections }),
  };
  return `${heading}\n${accountsConfig(keys, namespaces, limits)}`;
}
