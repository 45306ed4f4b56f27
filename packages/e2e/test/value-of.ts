export function valueOf<Value>(outcome: { ok: true; value: Value } | { ok: false; rejection: string }): Value {
  if (!outcome.ok) throw new Error(`refused: ${outcome.rejection}`);
  return outcome.value;
}
