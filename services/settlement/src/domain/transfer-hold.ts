/** How the amount of a transfer is named in the ledger while it is promised to the institution. */

/** As an operator names it to the ledger. */
export function holdNameOf(transactionId: string): string {
  return `institution-transfer:${transactionId}`;
}

/** As it stands in the journal: under the operators' own prefix. */
export function holdIdOf(transactionId: string): string {
  return `ops/${holdNameOf(transactionId)}`;
}
