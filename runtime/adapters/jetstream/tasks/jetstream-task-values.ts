import type { TaskValues } from '../../../controller/executions/ports/task-values';
import { NamespaceParts, type UseConnection } from './namespace-parts';
import { ObjectValueStore } from './object-value-store';

/** How long a value that was read is kept: the items of a list are read one by one. */
const recentMs = 5_000;

/** The large values of all namespaces, each in the account of its namespace. */
export class JetStreamTaskValues implements TaskValues {
  private readonly stores: NamespaceParts<ObjectValueStore>;
  private readonly recent = new Map<string, Promise<unknown>>();

  constructor({ use }: { readonly use: UseConnection }) {
    this.stores = new NamespaceParts(use, async (connection, namespace) => new ObjectValueStore(connection, namespace));
  }

  put(namespace: string, key: string, value: unknown, maxInlineBytes?: number): Promise<unknown> {
    return this.stores.in(namespace, (store) => store.put(key, value, maxInlineBytes));
  }

  get(namespace: string, key: string): Promise<unknown> {
    const name = `${namespace}/${key}`;
    const known = this.recent.get(name);
    if (known !== undefined) return known;
    const found = this.stores.in(namespace, (store) => store.read(key));
    this.recent.set(name, found);
    const forget = () => this.recent.delete(name);
    found.catch(forget);
    setTimeout(forget, recentMs).unref();
    return found;
  }

  remove(namespace: string, prefix: string): Promise<void> {
    return this.stores.in(namespace, (store) => store.remove(prefix));
  }
}
