import { entriesOf, type PlainMap } from '../../plain-map';
import { sectionOf } from '../document/complete-topology';
import type { Draft } from '../document/draft';
import { exposesLogin, imageFault } from '../document/image';
import type { DocumentPath } from '../problem/problem';
import type { ProblemList } from '../read/problem-list';
import { containersOf } from './check-container';

/** Checks the images of functions, sidecars and the pod for step-by-step runs. */
export function checkImages(draft: Draft, problems: ProblemList): void {
  const check = ({ image }: PlainMap, path: DocumentPath) => {
    if (typeof image !== 'string' || image === '') return;
    const message = imageFault(image);
    if (message === undefined) return;
    const code = exposesLogin(image) ? 'secret-exposed' : 'setting-invalid';
    problems.add({ code, path: [...path, 'image'], message });
  };
  const config = (globalConfig: PlainMap, path: DocumentPath) => {
    check(globalConfig, path);
    for (const name of ['messageStore', 'devStore']) check(sectionOf(globalConfig, name), [...path, name]);
  };
  config(draft.globalConfig, ['globalConfig']);
  for (const { raw, globalConfig, path } of draft.functions) {
    check(raw, path);
    config(globalConfig, [...path, 'globalConfig']);
  }
  for (const { container, path } of containersOf(draft)) {
    for (const [index, sidecar] of entriesOf(container.sidecars)) check(sidecar, [...path, 'sidecars', index]);
  }
}
