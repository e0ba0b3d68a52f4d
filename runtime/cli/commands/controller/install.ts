import { ControllerInstall } from '../../../../lib/constructs/controller-install';
import type { ControllerAccess } from '../../../../lib/constructs/controller-install-props';
import { FlowApp } from '../../../../lib/constructs/flow-app';
import { ConfigError } from '../../../../lib/errors';

export interface InstallOptions {
  readonly namespace: string;
  readonly createNamespace: boolean;
  readonly image: string;
  readonly natsUrl: string;
  readonly temporalAddress: string;
  readonly tokensSecret?: string;
  readonly oidcIssuer?: string;
  readonly oidcAudience?: string;
  readonly oidcRolesClaim?: string;
  readonly oidcRole: readonly string[];
  readonly settingsSecret?: string;
  readonly watchNamespaces?: string;
  readonly egress: readonly string[];
  readonly replicas: number;
}

/** `kflow install`: prints the manifests of a controller for a cluster. */
export async function install(options: InstallOptions): Promise<number> {
  assertAddresses(options);
  const { namespace, createNamespace, image, natsUrl, temporalAddress, settingsSecret, watchNamespaces } = options;
  const app = new FlowApp();
  new ControllerInstall(app, 'kflow', {
    access: accessOf(options),
    namespace,
    hasNamespace: !createNamespace,
    image,
    natsUrl,
    temporalAddress,
    egress: options.egress,
    replicas: options.replicas,
    ...(settingsSecret === undefined ? {} : { settingsSecret }),
    ...(watchNamespaces === undefined ? {} : { watchNamespaces: listOf(watchNamespaces) }),
  });
  process.stdout.write([...app.texts().values()].join(''));
  return 0;
}

/** A controller with another address would only say so in its log. */
function assertAddresses({ natsUrl, temporalAddress }: InstallOptions): void {
  if (!natsUrl.split(',').every((url) => /^((nats|tls):\/\/)?[^/]+$/.test(url.trim()))) {
    throw new ConfigError(
      'config-invalid',
      `--nats-url ${natsUrl}: want nats://host:4222, several separated by commas`,
    );
  }
  if (!/^([^/:]+|\[[^\]]+\]):\d+$/.test(temporalAddress)) {
    throw new ConfigError('config-invalid', `--temporal-address ${temporalAddress}: want host:port, as host:7233`);
  }
}

function accessOf({
  namespace,
  tokensSecret,
  oidcIssuer: issuer,
  oidcAudience: audience,
  oidcRolesClaim: rolesClaim,
  oidcRole,
}: InstallOptions): ControllerAccess {
  if (tokensSecret !== undefined && issuer === undefined) return { kind: 'tokens', secret: tokensSecret };
  if (issuer !== undefined && tokensSecret === undefined) {
    if (audience !== undefined) {
      const roles = oidcRole.length === 0 ? {} : { roles: Object.fromEntries(oidcRole.map(roleOf)) };
      return { kind: 'oidc', issuer, audience, ...(rolesClaim && { rolesClaim }), ...roles };
    }
    throw new ConfigError(
      'config-invalid',
      '--oidc-issuer needs --oidc-audience: tokens for others are no tokens for KFlow',
    );
  }
  if (issuer !== undefined) throw new ConfigError('config-invalid', 'give --tokens-secret or --oidc-issuer, not both');
  throw new ConfigError(
    'config-invalid',
    [
      'whoever reaches the API could do everything: say who may use it, with',
      '  --oidc-issuer URL --oidc-audience NAME, or with',
      '  --tokens-secret NAME, a Secret that you make of a list of tokens:',
      `    token=$(openssl rand -hex 32)`,
      `    echo "- { name: me, role: admin, sha256: $(printf %s $token | sha256sum | cut -d' ' -f1) }" > tokens.yaml`,
      `    kubectl create secret generic NAME --namespace ${namespace} --from-file=tokens.yaml`,
    ].join('\n'),
  );
}

function roleOf(text: string): [string, 'view' | 'operate' | 'admin'] {
  const [, value, role] = /^(.+)=(view|operate|admin)$/.exec(text) ?? [];
  if (value !== undefined && role !== undefined) return [value, role as 'view' | 'operate' | 'admin'];
  throw new ConfigError('config-invalid', `--oidc-role ${text}: want VALUE=view, VALUE=operate or VALUE=admin`);
}

function listOf(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (!names.includes('')) return names;
  throw new ConfigError('config-invalid', `--watch-namespaces ${text}: want names separated by commas`);
}
