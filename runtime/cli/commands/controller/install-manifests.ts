import { ControllerInstall } from '../../../../lib/constructs/controller/controller-install';
import type {
  ControllerAccess,
  ControllerInstallProps,
} from '../../../../lib/constructs/controller/controller-install-props';
import { FlowApp } from '../../../../lib/constructs/flow-app';
import { ConfigError } from '../../../../lib/errors';
import { flagOf, type Values } from '../../frame/command';
import { CommandError, ExitStatus, usageError } from '../../frame/exit-status';
import { installOptions } from './install-options';

export type InstallOptions = Values<typeof installOptions>;

/** The flags of props that are not called like their option. */
const flags: { readonly [prop: string]: string } = {
  'access.secret': '--tokens-secret',
  'access.issuer': '--oidc-issuer',
  'access.audience': '--oidc-audience',
  natsSecrets: '--nats-secret',
  podNatsSecrets: '--pod-nats-secret',
  imagePullSecrets: '--image-pull-secret',
  priorityClassName: '--priority-class',
};

/**
 * The manifests of a controller for a cluster, as YAML. Throws CommandError with everything that is wrong, and when nothing
 * controls access to the API.
 */
export function renderInstall(options: InstallOptions): string {
  const { natsSecret, podNatsSecret, imagePullSecret, priorityClass, createNamespace } = options;
  const props: ControllerInstallProps = {
    ...options,
    access: accessOf(options),
    hasNamespace: !createNamespace,
    natsSecrets: natsSecret,
    podNatsSecrets: podNatsSecret.length === 0 ? undefined : podNatsSecret,
    imagePullSecrets: imagePullSecret,
    priorityClassName: priorityClass,
    secretNamespaces: secretNamespacesOf(options),
  };
  const app = new FlowApp();
  try {
    new ControllerInstall(app, 'kflow', props);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CommandError(ExitStatus.Usage, error.code, withFlags(error.message));
  }
  return [...app.texts().values()].join('');
}

/** The construct's message with flags for props: where a line begins with one, and inside for names of several words. */
function withFlags(message: string): string {
  return message.replace('secretNamespaces "all"', '--all-secrets').replace(/^[\w.]+|\b[a-z]+[A-Z]\w*/gm, (prop) => {
    if (flags[prop] !== undefined) return flags[prop];
    return prop in installOptions ? flagOf(prop, {}) : prop;
  });
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
  if (issuer === undefined) {
    const given = { oidcAudience: audience, oidcRolesClaim: rolesClaim, oidcRole: oidcRole[0] };
    const idle = Object.entries(given).find(([, value]) => value !== undefined);
    if (idle !== undefined) throw usageError(`${flagOf(idle[0], {})} requires --oidc-issuer`);
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
