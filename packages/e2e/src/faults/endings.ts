/**
 * Why services ended by themselves. One that cannot reach what is broken may end and is started again; one that ends for
 * any other reason has found something that must not be.
 */

/** The errors of a world that fails, as services write them. With the part that did not start, or of the first that is asked. */
const outage =
  /^(?:.* did not start: )?OperationalError: (?:store_unavailable|outcome_unknown|broker_unavailable|upstream_unavailable|upstream_timeout)\b|^the database of DATABASE_URL cannot be used: /;

const errorLine = /^(?:Uncaught )?\w*Error\b/;

/** Of all that a process wrote, a line behind its log: what is no outage before what is one. */
export function lastWordsOf(output: string): string {
  const lines = output.split('\n').filter((line) => line !== '' && !/^(?:\{|\(node:|\(Use `node)/.test(line));
  const isOutage = (line: string) => outage.test(line);
  const wrong = lines.find((line) => errorLine.test(line) && !isOutage(line));
  return wrong ?? lines.find(isOutage) ?? lines[0] ?? 'without a word';
}

/** `<service>: <last words>`, of those whose last words are not of an outage. */
export function wrongEndings(endings: readonly string[]): readonly string[] {
  return endings.filter((each) => !outage.test(each.slice(each.indexOf(': ') + 2))).map((each) => `ended: ${each}`);
}
