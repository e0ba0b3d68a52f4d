import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { natsAddresses } from '../../plan/nats-access';
import type { ManifestBody } from '../manifest';
import { renderYaml } from '../manifest';
import { type Labels, restrictedPods } from '../metadata';
import { type EgressRule, egressRules } from '../pods/egress-rules';
import { nameOf, referenceTo, requireResources } from '../require-resources';
import { type CompleteInstallProps, type ControllerInstallProps, completeInstall } from './controller-install-props';
import { ControllerPermissions } from './controller-permissions';
import { controllerConfig, renderControllerPod } from './controller-pod';
import { assertInstall } from './install-faults';

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
  private readonly props: CompleteInstallProps;

  /**
   * Throws ConfigError with everything that is wrong: passwords, which would be visible in a ConfigMap, and what Kubernetes
   * or the controller would refuse.
   */
  constructor(scope: Construct, id: string, given: ControllerInstallProps) {
    super(scope, id);
    this.props = completeInstall(given);
    const { props } = this;
    assertInstall(props);
    if (!props.hasNamespace) this.namespaceObject();
    this.object('Account', { apiVersion: 'v1', kind: 'ServiceAccount', automountServiceAccountToken: false });
    new ControllerPermissions(this, 'Permissions', {
      name,
      labels,
      namespace: props.namespace,
      watchNamespaces: props.watchNamespaces,
      secretNamespaces: props.secretNamespaces,
      keySecret: props.keySecret && nameOf(props.keySecret),
    });
    const config = renderYaml([controllerConfig(props)]);
    this.object('Config', { apiVersion: 'v1', kind: 'ConfigMap', data: { 'controller.yaml': config } });
    this.deployment(config);
    this.network();
    const { access, settingsSecret, natsSecrets, keySecret, tlsSecret, imagePullSecrets } = props;
    const tokens = access.kind === 'tokens' ? referenceTo(access.secret, ['tokens.yaml']) : [];
    requireResources(
      this,
      [
        ...tokens,
        ...[settingsSecret, ...natsSecrets, ...imagePullSecrets].flatMap((secret) => referenceTo(secret)),
        ...referenceTo(tlsSecret, ['tls.crt', 'tls.key']),
        ...referenceTo(keySecret, ['key']),
      ],
      this.props.namespace,
    );
  }

  private namespaceObject(): void {
    const metadata = { name: this.props.namespace, labels: restrictedPods };
    new ApiObject(this, 'Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata });
  }

  /** The class of the pods; undefined for none. */
  private priorityClass(): string | undefined {
    const { priorityClassName, watchNamespaces } = this.props;
    if (priorityClassName !== undefined || watchNamespaces !== undefined) return priorityClassName;
    new ApiObject(this, 'Priority', {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name, labels },
      value: priority,
      description: 'The controller of KFlow, without which no flow is repaired.',
    });
    return name;
  }

  private deployment(config: string): void {
    const { replicas } = this.props;
    const priorityClassName = this.priorityClass();
    this.object('Deployment', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: {
        replicas,
        selector: { matchLabels: selector },
        // a new replica is ready before an old one stops
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: renderControllerPod({ ...this.props, priorityClassName, name, labels, selector, config }),
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
    const { natsUrl, temporalAddress, access, egress } = this.props;
    const issuer = access.kind === 'oidc' ? [access.issuer] : [];
    const apiServer = { ports: apiServerPorts.map((port) => ({ protocol: 'TCP' as const, port })) };
    return [...egressRules([...natsAddresses(natsUrl), temporalAddress, ...issuer, ...egress]), apiServer];
  }

  private object(id: string, body: ManifestBody, named = name): void {
    new ApiObject(this, id, { ...body, metadata: { name: named, namespace: this.props.namespace, labels } });
  }
}
