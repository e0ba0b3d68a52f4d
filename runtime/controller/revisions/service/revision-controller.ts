import { randomUUID } from 'node:crypto';
import { ConfigError, StateError, StoreError } from '../../../../lib/errors';
import { type Component, readComponent, tagFault } from '../../../../lib/revisions/document/read-component';
import {
  type Change,
  disableIn,
  latestOf,
  publishIn,
  type RevisionEntry,
  type RevisionGroup,
  releaseIn,
  removeFrom,
} from '../../../../lib/revisions/revision-group';
import { type Problem, TopologyError } from '../../../../lib/topology/problem/problem';
import type {
  PublishedRevision,
  PublishRequest,
  RevisionDetail,
  RevisionQuery,
  RevisionView,
} from '../../../api-contract/revisions';
import type { Requester } from '../../flows/ports/flow-service';
import type { RevisionService } from '../ports/revision-service';
import type { GroupKey, RevisionStore, StoredGroup } from '../ports/revision-store';
import { groupIdOf, uuidIn } from './revision-ids';

/** The service of revisions: checks documents, and changes their groups. */
export class RevisionController implements RevisionService {
  constructor(private readonly store: RevisionStore) {}

  async publish(namespace: string, request: PublishRequest, requester: Requester): Promise<PublishedRevision> {
    const { component, warnings } = admit(request.document);
    const tag = tagOf(request.tag ?? component.tag);
    const name = request.group ?? component.group;
    const key = { namespace, group: await this.groupIdOf(namespace, name) };
    await this.assertFree(key, component.id);
    const change = changeBy(requester);
    const digest = await this.store.saveDocument(key, request.document);
    const given = {
      ...(component.id === undefined ? {} : { id: component.id }),
      newId: randomUUID(),
      tag,
      name: component.name,
      category: component.category,
      digest,
      fixed: this.store.digestOf(JSON.stringify(fixedPartOf(component))),
      publishedAt: change.at,
      by: change.by,
      ...(change.comment === undefined ? {} : { comment: change.comment }),
    };
    const { outcome, entry, group } = await this.store.change(key, (stored) => {
      const isNamed = uuidIn(name) === undefined;
      const before = stored ?? { id: key.group, name: isNamed ? name : component.name, revisions: [] };
      const published = publishIn(before, given);
      const next = request.release ? releaseIn(published.group, published.entry.id, change) : published.group;
      return { next: next === before ? stored : next, result: { ...published, group: next } };
    });
    const view = viewOf(namespace, group, entry.id);
    return { ...view, outcome, ...(warnings.length === 0 ? {} : { warnings }) };
  }

  async list(namespace: string | undefined, { group, state }: RevisionQuery): Promise<readonly RevisionView[]> {
    const all = await this.store.list(namespace);
    const wanted = all.filter(({ stored }) => group === undefined || isNamed(stored, group));
    const views = wanted.flatMap((each) => viewsOf(each.namespace, each.stored));
    return views.filter((each) => state === undefined || each.state === state);
  }

  async get(namespace: string, ref: string): Promise<RevisionDetail> {
    const { key, group, entry } = await this.find(namespace, ref);
    const document = await this.store.document(key, entry.digest);
    if (document === undefined) {
      const message = `${group.name}:${entry.tag} (${entry.id}) has no document in this account of nats; restore the account, or publish it anew`;
      throw new StoreError('document-missing', message, { where: entry.id });
    }
    const { inputs, outputs } = admit(document).component;
    return { ...viewOf(namespace, group, entry.id), inputs: [...inputs], outputs: [...outputs], document };
  }

  release(namespace: string, ref: string, requester: Requester): Promise<RevisionView> {
    return this.change(namespace, ref, (group, id) => releaseIn(group, id, changeBy(requester)));
  }

  disable(namespace: string, ref: string, requester: Requester): Promise<RevisionView> {
    return this.change(namespace, ref, (group, id) => disableIn(group, id, changeBy(requester)));
  }

  async delete(namespace: string, ref: string, _requester: Requester): Promise<void> {
    const { key, entry } = await this.find(namespace, ref);
    const left = await this.store.change(key, (stored) => {
      if (stored === undefined) throw missing(namespace, ref);
      const next = removeFrom(stored, entry.id);
      return { next: next.revisions.length === 0 ? undefined : next, result: next.revisions };
    });
    if (left.length === 0) await this.store.removeDocuments(key);
    else if (left.every(({ digest }) => digest !== entry.digest)) await this.store.removeDocuments(key, [entry.digest]);
  }

  private async change(
    namespace: string,
    ref: string,
    change: (group: RevisionGroup, id: string) => RevisionGroup,
  ): Promise<RevisionView> {
    const { key, entry } = await this.find(namespace, ref);
    const changed = await this.store.change(key, (stored) => {
      if (stored === undefined) throw missing(namespace, ref);
      const next = change(stored, entry.id);
      return { next, result: next };
    });
    return viewOf(namespace, changed, entry.id);
  }

  /** An id stands for one revision of the namespace. */
  private async assertFree({ namespace, group }: GroupKey, id: string | undefined): Promise<void> {
    const owner = id === undefined ? undefined : await this.ownerOf(namespace, id);
    if (owner === undefined || owner.group === group) return;
    const message = `the revision ${id} belongs to the group ${owner.stored.name} (${owner.group}); publish it there, or with another id`;
    throw new StateError('state-invalid', message, { where: id ?? '' });
  }

  private async ownerOf(namespace: string, id: string): Promise<StoredGroup | undefined> {
    const groups = await this.store.list(namespace);
    return groups.find(({ stored }) => stored.revisions.some((each) => each.id === id));
  }

  /** The id of the group with this name, else the one that a new group with this name gets. */
  private async groupIdOf(namespace: string, nameOrId: string): Promise<string> {
    const id = uuidIn(nameOrId);
    if (id !== undefined) return id;
    const named = (await this.store.list(namespace)).find(({ stored }) => stored.name === nameOrId);
    return named?.group ?? groupIdOf(namespace, nameOrId);
  }

  private async find(
    namespace: string,
    ref: string,
  ): Promise<{ readonly key: GroupKey; readonly group: RevisionGroup; readonly entry: RevisionEntry }> {
    const groups = await this.store.list(namespace);
    const [name, tag] = refParts(ref);
    const id = uuidIn(ref);
    for (const { stored: group, ...key } of groups) {
      const ofGroup = isNamed(group, name) ? entryIn(group, tag) : undefined;
      const entry = group.revisions.find((each) => each.id === id) ?? ofGroup;
      if (entry !== undefined) return { key, group, entry };
    }
    const isKnown = groups.some(({ stored }) => isNamed(stored, name));
    if (isKnown && tag === 'latest') {
      const message = `${namespace}: no revision of the group ${name} is released; release one with kflow revisions release`;
      throw new StateError('revision-missing', message, { where: ref });
    }
    throw missing(namespace, ref);
  }
}

/** Group and tag of GROUP:TAG; a group alone is its latest revision. */
function refParts(ref: string): readonly [group: string, tag: string] {
  const colon = ref.lastIndexOf(':');
  return colon < 0 ? [ref, 'latest'] : [ref.slice(0, colon), ref.slice(colon + 1)];
}

function entryIn(group: RevisionGroup, tag: string): RevisionEntry | undefined {
  return tag === 'latest' ? latestOf(group) : group.revisions.find((each) => each.tag === tag);
}

/** A component and the warnings about it. Throws TopologyError with every problem. */
function admit(document: string): { readonly component: Component; readonly warnings: Problem[] } {
  const { component, problems } = readComponent(document, 'component');
  if (component === undefined) throw new TopologyError(problems);
  if (component.module !== undefined) {
    const message = `module: ${component.module} is a file, which only the machine has where it was written; send its text as "code"`;
    throw new ConfigError('setting-invalid', message, { where: 'module' });
  }
  return { component, warnings: [...problems] };
}

function tagOf(tag: string | undefined): string {
  if (tag === undefined) {
    const message = 'tag: missing; name the version, as in 1.0.0, in the document or in the request';
    throw new ConfigError('setting-missing', message, { where: 'tag' });
  }
  const fault = tagFault(tag);
  if (fault !== undefined) throw new ConfigError('setting-invalid', `tag: ${fault}`, { where: 'tag' });
  return tag;
}

/** What a release fixes: everything but documentation and test wiring. */
function fixedPartOf({
  testWiring: _,
  id: _id,
  tag: _tag,
  group: _group,
  description: _text,
  ...component
}: Component): object {
  return component;
}

function changeBy({ by, comment }: Requester): Change {
  return { at: new Date().toISOString(), by, ...(comment === undefined ? {} : { comment }) };
}

function missing(namespace: string, ref: string): StateError {
  return new StateError('revision-missing', `${namespace}: there is no revision ${ref}`, { where: ref });
}

function isNamed({ id, name }: RevisionGroup, nameOrId: string): boolean {
  return name === nameOrId || id === nameOrId.toLowerCase();
}

function viewOf(namespace: string, group: RevisionGroup, id: string): RevisionView {
  const view = viewsOf(namespace, group).find((each) => each.id === id);
  if (view === undefined) throw missing(namespace, id);
  return view;
}

function viewsOf(namespace: string, group: RevisionGroup): readonly RevisionView[] {
  const latest = latestOf(group);
  return group.revisions.map(({ digest: _, fixed: _fixed, ...entry }) => ({
    namespace,
    ...entry,
    group: { id: group.id, name: group.name },
    isLatest: entry.id === latest?.id,
  }));
}
