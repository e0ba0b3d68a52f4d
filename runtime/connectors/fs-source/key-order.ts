/** From here on, the order of UTF-16 differs from that of UTF-8. */
const surrogates = /[\ud800-\uffff]/;

/** The order of keys in a listing: that of their bytes in UTF-8. Negative if the first key comes first. */
export function compareKeys(one: string, other: string): number {
  if (one === other) return 0;
  if (surrogates.test(one) || surrogates.test(other)) return Buffer.compare(Buffer.from(one), Buffer.from(other));
  return one < other ? -1 : 1;
}
