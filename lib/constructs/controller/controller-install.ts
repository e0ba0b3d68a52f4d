import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { ConfigError } from '../../errors';
import { natsDomainOf, natsServers } from '../../plan/nats-access';
import { carriesSecret } from '../../topology/problem/show-value';
import type { ManifestBody } from '../manifest';
import { renderYaml } from '../manifest';
import type { Labels } from '../metadata';
import { type EgressRule, egressRules, natsAddresses } from '../pods/egress-rules';
import { nameOf, referenceTo, requireResources } from '../require-resources';
import type { ControllerInstallProps } from './controller-install-props';
import { ControllerPermissions } from './controller-permissions';
import { controllerConfig, renderControllerPod } from './controller-pod';
import { installFaults } from './install-faults';

/** Ports of the API server: of its Service, and of the server itself in most clusters. */
const apiServerPorts = [443, 6443];
/** Above the pods of flows, whose default is 0, and below those of the cluster itself. */
const priority = 1_000_000;
const name = 'kflow-controller';
const labels: Labels = {
  'app.kubernetes.io/name': 'kflow',
  'app.kubernetes.io/component': 'controller',
  'app.kubernetes.io/part-of': 'kflow',
};
const selector: Labels = { 'app.kubernetes.io/name': 'kflow', 'app.kubernetes.io/component': 'controller' };

/** A controller in a cluster: namespace, account and permissions, settings, pods, Service and NetworkPolicy. */
export class ControllerInstall extends Chart {
  private readonly installed: string;

  /** Throws ConfigError for a password, which would be visible in a ConfigMap, and for what Kubernetes would refuse. */
  constructor(
    scope: Construct,
    id: string,
    private readonly props: ControllerInstallProps,
  ) {
    super(scope, id);
    this.installed = props.namespace ?? 'kflow';
    natsServers(props.natsUrl, 'natsUrl');
    if (props.natsDomain !== undefined) natsDomainOf(props.natsDomain, 'natsDomain');
    if (carriesSecret(props.temporalAddress)) {
      throw new ConfigError('secret-exposed', 'temporalAddress contains a password; remove it');
    }
    const faults = installFaults(props);
    if (faults.length > 0) throw new ConfigError('config-invalid', faults.join('\n'));
    if (!props.hasNamespace) this.namespaceObject();
    this.object('Account', { apiVersion: 'v1', kind: 'ServiceAccount', automountServiceAccountToken: false });
    new ControllerPermissions(this, 'Permissions', {
      name,
      labels,
      namespace: this.installed,
      ...(props.watchNamespaces === undefined ? {} : { watchNamespaces: props.watchNamespaces }),
      ...(props.secretNamespaces === undefined ? {} : { secretNamespaces: props.secretNamespaces }),
      ...(props.keySecret === undefined ? {} : { keySecret: nameOf(props.keySecret) }),
    });
    const config = renderYaml([controllerConfig(props)]);
    this.object('Config', { apiVersion: 'v1', kind: 'ConfigMap', data: { 'controller.yaml': config } });
    this.deployment(config, this.priorityClass());
    this.network();
    const { access, settingsSecret, natsSecrets = [], keySecret, tlsSecret, imagePullSecrets = [] } = props;
    const tokens = access.kind === 'tokens' ? referenceTo(access.secret, ['tokens.yaml']) : [];
    requireResources(
      this,
      [
        ...tokens,
        ...[settingsSecret, ...natsSecrets, ...imagePullSecrets].flatMap((secret) => referenceTo(secret)),
        ...referenceTo(tlsSecret, ['tls.crt', 'tls.key']),
        ...referenceTo(keySecret, ['key']),
      ],
      this.installed,
    );
  }

  private namespaceObject(): void {
    const security = ['enforce', 'warn', 'audit'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']);
    const metadata = { name: this.installed, labels: Object.fromEntries(security) };
    new ApiObject(this, 'Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata });
  }

  /** The class of the pods; undefined for none. */
  private priorityClass(): { readonly priorityClassName?: string } {
    const { priorityClassName, watchNamespaces } = this.props;
    if (priorityClassName !== undefined) return { priorityClassName };
    if (watchNamespaces !== undefined) return {};
    new ApiObject(this, 'Priority', {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name, labels },
      value: priority,
      description: 'The controller of KFlow, without which no flow is repaired.',
    });
    return { priorityClassName: name };
  }

  private deployment(config: string, priorityClass: { readonly priorityClassName?: string }): void {
    const { replicas = 2 } = this.props;
    this.object('Deployment', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: {
        replicas,
        selector: { matchLabels: selector },
        // a new replica is ready before an old one stops
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: renderControllerPod({ ...this.props, ...priorityClass, name, labels, selector, config }),
      },
    });
    const spec = { maxUnavailable: 1, selector: { matchLabels: selector } };
    this.object('Disruption', { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', spec });
  }

  private network(): void {
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
    // Kubernetes derives variables of pods from the name: those of `kflow-controller` would look like settings
    this.object('Service', { apiVersion: 'v1', kind: 'Service', spec }, 'kflow');
  }

  /** The address of the API server is not known here, so its ports are allowed anywhere. */
  private egress(): readonly EgressRule[] {
    const { natsUrl, temporalAddress, access, egress = [] } = this.props;
    const issuer = access.kind === 'oidc' ? [access.issuer] : [];
    const apiServer = { ports: apiServerPorts.map((port) => ({ protocol: 'TCP' as const, port })) };
    return [...egressRules([...natsAddresses(natsUrl), temporalAddress, ...issuer, ...egress]), apiServer];
  }

  private object(id: string, body: ManifestBody, named = name): void {
    new ApiObject(this, id, { ...body, metadata: { name: named, namespace: this.installed, labels } });
  }
}
