import { changeOptions, flowOptions } from '../../frame/shared-options';

const { timeout: _timeout, wait: _wait, namespace: flowNamespace, ...change } = changeOptions;

const namespace = { ...flowNamespace, description: 'namespace (default: default)' };

/** Options of every command that reads revisions. */
export const revisionReadOptions = { ...flowOptions, namespace } as const;

/** Options of every command that changes revisions. */
export const revisionChangeOptions = { ...change, namespace } as const;

export const revisionArgument = {
  name: 'revision',
  description: 'UUID, GROUP:TAG, or GROUP for the latest',
} as const;
