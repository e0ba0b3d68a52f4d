/** Orders two versions as Debian Policy 5.6.12 does: epoch, upstream version, revision. */
export function compareDebianVersions(left: string, right: string): number {
  const [first, second] = [split(left), split(right)];
  return (
    Math.sign(first.epoch - second.epoch) ||
    compareParts(first.upstream, second.upstream) ||
    compareParts(first.revision, second.revision)
  );
}

function split(version: string): { epoch: number; upstream: string; revision: string } {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const hyphen = rest.lastIndexOf('-');
  return {
    epoch: colon < 0 ? 0 : Number(version.slice(0, colon)),
    upstream: hyphen < 0 ? rest : rest.slice(0, hyphen),
    revision: hyphen < 0 ? '' : rest.slice(hyphen + 1),
  };
}

/** Text and numbers take turns; a tilde sorts before the end, letters before everything else. */
function compareParts(left: string, right: string): number {
  const pattern = /^(\D*)(\d*)/;
  for (let [a, b] = [left, right]; a !== '' || b !== ''; ) {
    const [wholeA = '', textA = '', numberA = ''] = pattern.exec(a) ?? [];
    const [wholeB = '', textB = '', numberB = ''] = pattern.exec(b) ?? [];
    const order = compareText(textA, textB) || Math.sign(Number(numberA) - Number(numberB));
    if (order !== 0) return order;
    [a, b] = [a.slice(wholeA.length), b.slice(wholeB.length)];
  }
  return 0;
}

function compareText(left: string, right: string): number {
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const order = rank(left[index]) - rank(right[index]);
    if (order !== 0) return Math.sign(order);
  }
  return 0;
}

function rank(character: string | undefined): number {
  if (character === '~') return -1;
  if (character === undefined) return 0;
  return /[A-Za-z]/.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + 256;
}
