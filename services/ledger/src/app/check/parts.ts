/** Tells which of `parts` an id belongs to, the same in every pass over the journal (FNV-1a). */
export function partOf(id: string, parts: number): number {
  if (parts === 1) return 0;
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % parts;
}
