import { childrenOf, entriesOf, isPlainMap, type PlainMap } from '../../plain-map';
import { containerResources, functionContainer, mergeContainers, parseQuantity } from '../document/container-settings';
import { isDnsLabel, maxLabelLength } from '../document/dns-label';
import type { Draft } from '../document/draft';
import type { DocumentPath } from '../problem/problem';
import { quote } from '../problem/show-value';
import type { Finding, ProblemList } from '../read/problem-list';
import { isAddress } from './check-addresses';
import { checkEnv } from './check-env';
import { checkPlacement } from './check-placement';
import { checkPod } from './check-pod';
import { checkVolumes } from './check-volumes';

/** Names that KFlow uses in pods. A volume of the user may replace `tmp`. */
const taken = { sidecars: [functionContainer], volumes: ['spec', 'nats'] } as const;

/** Resources of Kubernetes itself; others have a name with a slash. */
const ownResource = /^(cpu|memory|ephemeral-storage|hugepages-.+)$/;

/** A `container` of a document. */
interface DraftContainer {
  readonly container: PlainMap;
  readonly path: DocumentPath;
  /** Over those that are further out. */
  readonly merged: PlainMap;
}

/** Every `container` of a document: of `globalConfig`, and of each function. */
export function containersOf(draft: Draft): readonly DraftContainer[] {
  const place = (container: unknown, path: DocumentPath, outer: PlainMap = {}) =>
    isPlainMap(container) ? [{ container, path, merged: mergeContainers(outer, container) }] : [];
  const flow = mergeContainers({}, draft.globalConfig.container);
  return [
    ...place(draft.globalConfig.container, ['globalConfig', 'container']),
    ...draft.functions.flatMap(({ globalConfig, meta, path }) => [
      ...place(globalConfig.container, [...path, 'globalConfig', 'container'], flow),
      ...place(meta.container, [...path, 'meta', 'container'], mergeContainers(flow, globalConfig.container)),
    ]),
  ];
}

/** Checks every `container` for what Kubernetes would reject or interpret differently when it creates the pods. */
export function checkContainer(draft: Draft, problems: ProblemList): void {
  for (const each of containersOf(draft)) {
    const check = new ContainerCheck(each, problems);
    check.names();
    check.resources();
    check.devices();
    check.sidecars();
    check.egress();
    checkVolumes(each, problems);
    checkPod(each, problems);
    checkPlacement(each, problems);
  }
}

class ContainerCheck {
  private readonly container: PlainMap;
  private readonly path: DocumentPath;
  private readonly merged: PlainMap;

  constructor(
    { container, path, merged }: DraftContainer,
    private readonly problems: ProblemList,
  ) {
    this.container = container;
    this.path = path;
    this.merged = merged;
  }

  names(): void {
    const { env, volumes, sidecars } = this.container;
    checkEnv(env, [...this.path, 'env'], this.problems);
    this.unique(env, ['env'], 'name');
    for (const [list, items] of Object.entries({ volumes, sidecars })) {
      this.unique(items, [list], 'name');
      for (const [index, { name }] of entriesOf(items)) {
        if (typeof name !== 'string') continue;
        const at = [list, index, 'name'];
        if (!isDnsLabel(name)) {
          const message = `must be lower-case letters, digits and dashes, ${maxLabelLength} at most, got ${quote(name)}`;
          this.add(at, { code: 'name-invalid', message });
        } else if (taken[list as keyof typeof taken].some((own: string) => own === name)) {
          const message = `"${name}" is reserved in the pods of KFlow; choose another name`;
          this.add(at, { code: 'name-invalid', message });
        }
      }
    }
  }

  resources(): void {
    const { resources, gpu } = this.container;
    if (isPlainMap(gpu) && typeof gpu.resource === 'string' && !gpu.resource.includes('/')) {
      const message = `must be the full name of a resource, as in nvidia.com/gpu, got ${quote(gpu.resource)}`;
      this.add(['gpu', 'resource'], { message });
    }
    if (!isPlainMap(resources)) return;
    const { requests, limits } = containerResources(this.merged);
    for (const [resource, request] of Object.entries(requests)) {
      const limit = limits[resource];
      if (limit === undefined || !(parseQuantity(request) > parseQuantity(limit))) continue;
      const own = ['requests', 'limits'].find((key) => isPlainMap(resources[key]) && resource in resources[key]);
      if (own === undefined) continue;
      const message =
        own === 'requests'
          ? `${request} is more than the limit of ${limit}`
          : `${limit} is less than the request of ${request}`;
      this.add(['resources', own, resource], { message });
    }
  }

  /** Devices and the like are given out whole, and only by a limit. */
  devices(): void {
    const { resources } = this.container;
    if (!isPlainMap(resources)) return;
    const { limits } = containerResources(this.merged);
    for (const own of ['requests', 'limits']) {
      for (const [resource, quantity] of childrenOf(resources[own])) {
        const name = String(resource);
        if (ownResource.test(name)) continue;
        const refuse = (message: string, at?: 'key') =>
          this.add(['resources', own, name], { message, ...(at && { at }) });
        if (!name.includes('/')) {
          refuse(
            `Kubernetes has no resource ${quote(name)}; devices have names with a slash, as in nvidia.com/gpu`,
            'key',
          );
        } else if (parseQuantity(String(quantity)) % 1 !== 0) {
          refuse(`must be a whole number, got ${quote(String(quantity))}`);
        } else if (parseQuantity(limits[name] ?? '') !== parseQuantity(String(quantity))) {
          refuse('a request of it must be equal to a limit; write it in limits alone', 'key');
        }
      }
    }
  }

  sidecars(): void {
    for (const [index, { env, ports, restartPolicy, securityContext }] of entriesOf(this.container.sidecars)) {
      const at = ['sidecars', index];
      checkEnv(env, [...this.path, ...at, 'env'], this.problems);
      if (restartPolicy !== undefined) {
        const message = 'a sidecar runs as long as its function; remove "restartPolicy"';
        this.add([...at, 'restartPolicy'], { message, at: 'key' });
      }
      if (isPlainMap(securityContext) && securityContext.privileged === true) {
        const message = 'restricted Pod Security does not allow privileged containers; remove it';
        this.add([...at, 'securityContext', 'privileged'], { message, at: 'key' });
      }
      for (const [port, { name }] of entriesOf(ports)) {
        if (name !== 'http') continue;
        const message = '"http" is reserved for the port of the function; choose another name';
        this.add([...at, 'ports', port, 'name'], { code: 'name-invalid', message });
      }
    }
  }

  egress(): void {
    const { egress } = this.container;
    (Array.isArray(egress) ? egress : []).forEach((address: unknown, index) => {
      if (typeof address !== 'string' || (isAddress(address) && /^(\w+:\/\/)?[^/]+:\d+$/.test(address))) return;
      this.add(['egress', index], { message: `must be host:port, got ${quote(address)}` });
    });
  }

  private unique(list: unknown, at: DocumentPath, key: string): void {
    const lines = new Map<unknown, number>();
    for (const [index, { [key]: value }] of entriesOf(list)) {
      if (typeof value !== 'string') continue;
      const place = [...at, index, key];
      const line = lines.get(value);
      if (line === undefined) lines.set(value, this.problems.lineOf([...this.path, ...place]));
      else this.add(place, { code: 'id-duplicate', message: `${quote(value)} is already used on line ${line}` });
    }
  }

  private add(at: DocumentPath, finding: Omit<Finding, 'path' | 'code'> & Partial<Pick<Finding, 'code'>>): void {
    this.problems.add({ code: 'setting-invalid', ...finding, path: [...this.path, ...at] });
  }
}
