import { ControllerInstall } from '../../../../lib/constructs/controller/controller-install';
import type { ControllerAccess } from '../../../../lib/constructs/controller/controller-install-props';
import { FlowApp } from '../../../../lib/constructs/flow-app';
import type { Values } from '../../frame/command';
import { usageError } from '../../frame/exit-status';
import type { installOptions } from './install-options';

export type InstallOptions = Values<typeof installOptions>;

/** The manifests of a controller for a cluster, as YAML. Throws CommandError when nothing controls access to the API. */
export function renderInstall(options: InstallOptions): string {
  const { natsSecret, podNatsSecret, imagePullSecret, priorityClass, createNamespace } = options;
  const app = new FlowApp();
  new ControllerInstall(app, 'kflow', {
    ...options,
    access: accessOf(options),
    hasNamespace: !createNamespace,
    natsSecrets: natsSecret,
    podNatsSecrets: podNatsSecret.length === 0 ? undefined : podNatsSecret,
    imagePullSecrets: imagePullSecret,
    priorityClassName: priorityClass,
    secretNamespaces: secretNamespacesOf(options),
  });
  return [...app.texts().values()].join('');
}

function secretNamespacesOf({ secretNamespaces, allSecrets }: InstallOptions) {
  if (allSecrets && secretNamespaces !== undefined) {
    throw usageError('use either --secret-namespaces or --all-secrets, not both');
  }
  return allSecrets ? 'all' : secretNamespaces;
}

function accessOf(options: InstallOptions): ControllerAccess {
  const { tokensSecret, oidcIssuer: issuer, oidcAudience: audience, oidcRolesClaim: rolesClaim, oidcRole } = options;
  if (issuer !== undefined && tokensSecret !== undefined) {
    throw usageError('use either --tokens-secret or --oidc-issuer, not both');
  }
  if (tokensSecret !== undefined) return { kind: 'tokens', secret: tokensSecret };
  if (issuer === undefined) throw usageError(accessMissing(options.namespace));
  if (audience === undefined) {
    throw usageError('--oidc-issuer requires --oidc-audience, so that tokens for other services are rejected');
  }
  const roles = oidcRole.length === 0 ? {} : { roles: Object.fromEntries(oidcRole) };
  return { kind: 'oidc', issuer, audience, ...(rolesClaim && { rolesClaim }), ...roles };
}

function accessMissing(namespace: string): string {
  return [
    'without access control, anyone who reaches the API can do everything; choose who may use the API with',
    '  --oidc-issuer URL --oidc-audience NAME, or with',
    '  --tokens-secret NAME, a Secret that you create from a list of tokens:',
    `    token=$(openssl rand -hex 32)`,
    `    echo "- { name: me, role: admin, sha256: $(printf %s $token | sha256sum | cut -d' ' -f1) }" > tokens.yaml`,
    `    kubectl create secret generic NAME --namespace ${namespace} --from-file=tokens.yaml`,
  ].join('\n');
}
