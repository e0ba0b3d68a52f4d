import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { ConfigError } from '../errors';
import { carriesSecret } from '../topology/problem/show-value';
import { controllerConfig } from './controller-config';
import type { ControllerInstallProps } from './controller-install-props';
import { ControllerPermissions } from './controller-permissions';
import { renderControllerPod } from './controller-pod';
import { type EgressRule, egressRules } from './egress-rules';
import type { ManifestBody } from './manifest';
import type { Labels } from './metadata';
import { renderYaml } from './render-yaml';
import { referenceTo, requireResources } from './require-resources';

/** The port of the API server's Service, and the one behind it in most clusters. */
const apiServerPorts = [443, 6443];
const name = 'kflow-controller';
const labels: Labels = {
  'app.kubernetes.io/name': 'kflow',
  'app.kubernetes.io/component': 'controller',
  'app.kubernetes.io/part-of': 'kflow',
};
const selector: Labels = { 'app.kubernetes.io/name': 'kflow', 'app.kubernetes.io/component': 'controller' };

/** A controller for a cluster: its namespace, account and rights, settings, pods, and what may reach what. */
export class ControllerInstall extends Chart {
  private readonly installed: string;

  /** Throws ConfigError for an address that carries a password, which would be written into a ConfigMap. */
  constructor(
    scope: Construct,
    id: string,
    private readonly props: ControllerInstallProps,
  ) {
    super(scope, id);
    this.installed = props.namespace ?? 'kflow';
    for (const [what, address] of Object.entries({ natsUrl: props.natsUrl, temporalAddress: props.temporalAddress })) {
      if (!carriesSecret(address)) continue;
      throw new ConfigError(
        'secret-exposed',
        `${what} carries a password; leave it out here and put the whole address into a settings Secret`,
      );
    }
    if (!props.hasNamespace) this.namespaceObject();
    this.object('Account', { apiVersion: 'v1', kind: 'ServiceAccount', automountServiceAccountToken: false });
    new ControllerPermissions(this, 'Permissions', {
      name,
      labels,
      namespace: this.installed,
      ...(props.watchNamespaces === undefined ? {} : { watchNamespaces: props.watchNamespaces }),
    });
    const config = renderYaml([controllerConfig(props)]);
    this.object('Config', { apiVersion: 'v1', kind: 'ConfigMap', data: { 'controller.yaml': config } });
    this.deployment(config);
    this.reachability();
    const { access, settingsSecret } = props;
    const tokens = access.kind === 'tokens' ? referenceTo(access.secret, ['tokens.yaml']) : [];
    requireResources(this, [...tokens, ...referenceTo(settingsSecret)], this.installed);
  }

  private namespaceObject(): void {
    const security = ['enforce', 'warn', 'audit'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']);
    const metadata = { name: this.installed, labels: Object.fromEntries(security) };
    new ApiObject(this, 'Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata });
  }

  private deployment(config: string): void {
    const { replicas = 2 } = this.props;
    this.object('Deployment', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: {
        replicas,
        selector: { matchLabels: selector },
        // the new one is ready before an old one goes
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: renderControllerPod({ ...this.props, name, labels, selector, config }),
      },
    });
    const spec = { maxUnavailable: 1, selector: { matchLabels: selector } };
    this.object('Disruption', { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', spec });
  }

  private reachability(): void {
    this.object('Network', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      spec: {
        podSelector: { matchLabels: selector },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{ ports: [{ protocol: 'TCP', port: 9080 }] }],
        egress: this.egress(),
      },
    });
    const spec = { selector, ports: [{ name: 'http', port: 9080, targetPort: 'http', protocol: 'TCP' }] };
    // a Service's name becomes variables of pods: `kflow-controller` would make some that look like settings
    this.object('Service', { apiVersion: 'v1', kind: 'Service', spec }, 'kflow');
  }

  /** The API server has no address that a policy could name. */
  private egress(): readonly EgressRule[] {
    const { natsUrl, temporalAddress, access, egress = [] } = this.props;
    const issuer = access.kind === 'oidc' ? [access.issuer] : [];
    const apiServer = { ports: apiServerPorts.map((port) => ({ protocol: 'TCP' as const, port })) };
    return [...egressRules([natsUrl, temporalAddress, ...issuer, ...egress]), apiServer];
  }

  private object(id: string, body: ManifestBody, named = name): void {
    new ApiObject(this, id, { ...body, metadata: { name: named, namespace: this.installed, labels } });
  }
}
