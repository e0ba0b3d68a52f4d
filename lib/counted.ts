/** A count of records in a message: `1 record`, `3 records`. */
export function countedRecords(count: number): string {
  return count === 1 ? '1 record' : `${count} records`;
}
