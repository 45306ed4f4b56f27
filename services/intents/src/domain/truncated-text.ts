/** The beginning of a text, of at most `length` UTF-16 units, that ends with a whole character. */
export function truncated(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '');
}
