import { ControllerInstall } from '../../../../lib/constructs/controller/controller-install';
import type { ControllerAccess } from '../../../../lib/constructs/controller/controller-install-props';
import { FlowApp } from '../../../../lib/constructs/flow-app';
import type { Values } from '../../frame/command';
import { usageError } from '../../frame/exit-status';
import type { installOptions } from './install-options';

export type InstallOptions = Values<typeof installOptions>;

/** The manifests of a controller for a cluster, as YAML. Throws CommandError when nothing controls access to the API. */
export function renderInstall(options: InstallOptions): string {
  const { createNamespace, settingsSecret, watchNamespaces, keySecret } = options;
  const { namespace, image, natsUrl, natsDomain, temporalAddress, egress, replicas } = options;
  const { natsSecret: natsSecrets, podNatsSecret: podNatsSecrets } = options;
  const { imagePullSecret: imagePullSecrets, priorityClass, tlsSecret, taskQueue } = options;
  const app = new FlowApp();
  new ControllerInstall(app, 'kflow', {
    ...{ namespace, image, natsUrl, natsSecrets, temporalAddress, egress, replicas },
    ...(natsDomain === undefined ? {} : { natsDomain }),
    ...accountsOf(options),
    ...(podNatsSecrets.length === 0 ? {} : { podNatsSecrets }),
    ...(imagePullSecrets.length === 0 ? {} : { imagePullSecrets }),
    ...(priorityClass === undefined ? {} : { priorityClassName: priorityClass }),
    ...(tlsSecret === undefined ? {} : { tlsSecret }),
    ...(taskQueue === undefined ? {} : { taskQueue }),
    access: accessOf(options),
    hasNamespace: !createNamespace,
    ...(settingsSecret === undefined ? {} : { settingsSecret }),
    ...(watchNamespaces === undefined ? {} : { watchNamespaces }),
    ...(keySecret === undefined ? {} : { keySecret }),
    ...secretsOf(options),
  });
  return [...app.texts().values()].join('');
}

/** Each flow gets a Secret with its login. */
function accountsOf({ natsAccounts, watchNamespaces, secretNamespaces, allSecrets }: InstallOptions) {
  if (natsAccounts === undefined) return {};
  const mayManage = watchNamespaces !== undefined || secretNamespaces !== undefined || allSecrets;
  if (!mayManage) {
    const remedy = 'add --secret-namespaces, --all-secrets or --watch-namespaces';
    throw usageError(
      `--nats-accounts ${natsAccounts}: the controller makes a Secret with the login of each flow; ${remedy}`,
    );
  }
  return { natsAccounts };
}

function secretsOf({ watchNamespaces, secretNamespaces, allSecrets }: InstallOptions) {
  if (!allSecrets && secretNamespaces === undefined) return {};
  if (watchNamespaces !== undefined) {
    throw usageError(
      '--watch-namespaces covers the Secrets of these namespaces; leave out --secret-namespaces and --all-secrets',
    );
  }
  if (allSecrets && secretNamespaces !== undefined) {
    throw usageError('use either --secret-namespaces or --all-secrets, not both');
  }
  return { secretNamespaces: secretNamespaces ?? ('all' as const) };
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
