import fc from 'fast-check';
import { parseCheckpoint, signCheckpoint, type SignedCheckpoint } from './checkpoint';
import { eventHash, exportFormat, genesisHash, writeExportLine, type ExportLine } from './export-format';
import { createExportVerifier, type Expected, type ExportVerdict } from './export-verifier';
import { generateSigningKey, parseSigningKey, type PublicKey, type SigningKey } from './keys';
import { createFrontier, joined, leafHash, nodeHash, subtreesOf, type Subtree } from './merkle-tree';

const key = parseSigningKey(generateSigningKey());
const nextKey = parseSigningKey(generateSigningKey());
const stranger = parseSigningKey(generateSigningKey());
const at = (sequence: number) => new Date(Date.UTC(2026, 1, 11, 10, 0, sequence)).toISOString();

type Signed = SignedCheckpoint & { readonly size: number; readonly changesKey: boolean };
type Book = { readonly origin: string; readonly events: readonly Buffer[]; readonly checkpoints: readonly Signed[] };
type BookOptions = {
  readonly name?: string;
  readonly length?: number;
  /** Sequences at which a checkpoint of all events before is recorded, and who signs. */
  readonly signers?: Readonly<Record<number, SigningKey>>;
  readonly keyChangeAt?: number;
  /** Changes an event before it is sealed. */
  readonly change?: (sequence: number, fields: Record<string, unknown>) => Record<string, unknown>;
  /** Instead of signing anew: what a forger without the key has to go on with. */
  readonly signedBefore?: readonly Signed[];
};

function book(options: BookOptions = {}): Book {
  const { name = 'live', length = 20, signers = { 5: key, 13: key, 18: key }, keyChangeAt } = options;
  const origin = `daybook/book-${name}`;
  const events: Buffer[] = [];
  const checkpoints: Signed[] = [];
  const tree = createFrontier();
  let head = genesisHash;
  for (let sequence = 0; sequence < length; sequence++) {
    const signer = signers[sequence];
    let fields: Record<string, unknown> = transaction(name, sequence);
    if (signer !== undefined) {
      const introduced = keyChangeAt === sequence ? nextKey.publicKey : null;
      const content = { origin, size: sequence, root: tree.root(), head, time: at(sequence), nextKey: introduced };
      const made = { ...signCheckpoint(content, signer), size: sequence, changesKey: introduced !== null };
      const signed = options.signedBefore?.find(({ size }) => size === sequence) ?? made;
      checkpoints.push(signed);
      fields = { event: 'CheckpointSigned', checkpoint: signed.text, signature: signed.signature };
    }
    const payload = Buffer.from(
      JSON.stringify({ ...(options.change?.(sequence, fields) ?? fields), at: at(sequence), previousHash: head }),
    );
    events.push(payload);
    tree.append(payload);
    head = eventHash(payload);
  }
  return { origin, events, checkpoints };
}

function transaction(name: string, sequence: number) {
  const amount = String(100 + sequence);
  return {
    event: 'TransactionPosted',
    transactionId: `${name}-${sequence}`,
    // Text that UTF-8 and JSON both have something to do with.
    note: 'Grüße "ж" \\ \u2028',
    entries: [
      { accountId: 'a', asset: 'TXC', direction: 'debit', amount },
      { accountId: 'b', asset: 'TXC', direction: 'credit', amount },
    ],
  };
}

const subtreeHash = (events: readonly Buffer[]) => {
  const hashOf = ({ level, index }: Subtree): Buffer =>
    level === 0
      ? leafHash(events[index]!)
      : nodeHash(hashOf({ level: level - 1, index: index * 2 }), hashOf({ level: level - 1, index: index * 2 + 1 }));
  return (subtree: Subtree) => hashOf(subtree).toString('base64');
};

/** An honest exporter of part of a book. */
function exported({ origin, events, checkpoints }: Book, first = 0, last = events.length - 1): ExportLine[] {
  const hashOf = subtreeHash(events);
  const range = { format: exportFormat, origin, book: 'live', first, last } as const;
  const hashBefore = (sequence: number) => (sequence === 0 ? genesisHash : eventHash(events[sequence - 1]!));
  const lines: ExportLine[] = [
    {
      type: 'header',
      ...range,
      previousHash: hashBefore(first),
      tree: subtreesOf({ start: 0, end: first }).map(hashOf),
      keyChanges: checkpoints.filter(({ size, changesKey }) => changesKey && size <= first),
    },
  ];
  for (let sequence = first; sequence <= last; sequence++) {
    const here = checkpoints.find(({ size }) => size === sequence && size > first);
    if (here !== undefined) lines.push({ type: 'checkpoint', ...here });
    lines.push({ type: 'event', sequence, payload: events[sequence]! });
  }
  const covering = checkpoints.find(({ size }) => size > last);
  const rest = covering === undefined ? [] : subtreesOf({ start: last + 1, end: covering.size }).map(hashOf);
  const counted = { events: last - first + 1, headHash: hashBefore(last + 1) };
  lines.push({
    type: 'manifest',
    ...range,
    ...counted,
    coveredBy: covering === undefined ? null : { ...covering, rest },
  });
  return lines;
}

const bytesOf = (lines: readonly ExportLine[]) =>
  Buffer.from(lines.map((line) => `${writeExportLine(line)}\n`).join(''));

function verify(
  file: readonly ExportLine[] | Buffer,
  trusted: PublicKey = key.publicKey,
  expected: Expected = {},
): ExportVerdict {
  const bytes = Buffer.isBuffer(file) ? file : bytesOf(file);
  const verifier = createExportVerifier(trusted, expected);
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    verifier.line(bytes.subarray(start, end));
    start = end + 1;
  }
  return verifier.end(bytes.subarray(start));
}

const refusal = (verdict: ExportVerdict) => [verdict.status, verdict.problem?.sequence, verdict.problem?.reason];
const placeOf = (lines: readonly ExportLine[], sequence: number) =>
  lines.findIndex((line) => line.type === 'event' && line.sequence === sequence);
const withPayload = (lines: readonly ExportLine[], sequence: number, payload: Buffer): ExportLine[] =>
  lines.map((line) => (line.type === 'event' && line.sequence === sequence ? { ...line, payload } : line));
const flip = (payload: Buffer, find: string, replacement: string) =>
  Buffer.from(payload.toString('utf8').replace(find, replacement));

const whole = book();
/** Signed last at 18 of 20: a range up to 17 is covered, the whole is not. */
const file = exported(whole, 0, 17);
/** Changes its key at 10, as soon as anything could be signed with the next one. */
const rotated = book({ signers: { 5: key, 10: key, 11: nextKey, 18: nextKey }, keyChangeAt: 10 });

describe('an export', () => {
  test.each([
    ['with one key', whole],
    ['that changed its key', rotated],
  ])('of any range of a book %s verifies with the public key alone, of no events too', (_name, signed) => {
    for (let first = 0; first <= 18; first++) {
      for (let last = first - 1; last <= 17; last++) {
        const events = last - first + 1;
        const verdict = verify(exported(signed, first, last));
        expect(verdict).toMatchObject({ status: 'valid', problem: null, first, last, events, eventsSigned: events });
      }
    }
  });

  test('says how far a signature covers it, when none covers its end', () => {
    expect(verify(exported(whole))).toMatchObject({
      status: 'incomplete',
      problem: null,
      events: 20,
      eventsSigned: 18,
      checkpoints: 3,
      signedAt: at(18),
      keyIds: [key.publicKey.keyId],
    });
    expect(verify(exported(book({ signers: {} })))).toMatchObject({ status: 'incomplete', eventsSigned: 0 });
  });

  test('of nothing is valid', () => {
    expect(verify(exported(whole, 7, 6))).toMatchObject({ status: 'valid', events: 0 });
  });

  test('of nothing that no signature covers is not: anybody can write it', () => {
    const unsigned = exported(whole, 7, 6).map((line) =>
      line.type === 'manifest' ? { ...line, coveredBy: null } : line,
    );
    expect(verify(unsigned)).toMatchObject({ status: 'incomplete', events: 0, checkpoints: 0 });
  });

  test('is of the book that its signed origin names, and of the one that was asked for', () => {
    const asked = { origin: 'daybook/book-live' };
    expect(verify(file, key.publicKey, asked)).toMatchObject({ status: 'valid', origin: asked.origin, book: 'live' });
    const other = verify(file, key.publicKey, { origin: 'daybook/book-sandbox' });
    expect(refusal(other)).toEqual([
      'invalid',
      null,
      'the header is of daybook/book-live, not of daybook/book-sandbox',
    ]);
    const renamed = file.map((line) => ('book' in line ? { ...line, book: 'sandbox' as const } : line));
    expect(refusal(verify(renamed))).toEqual([
      'invalid',
      null,
      'the header names the sandbox book, and is of daybook/book-live',
    ]);
  });

  test('verifies over a change of keys, with the first key or the one it begins under', () => {
    const both = [key.publicKey.keyId, nextKey.publicKey.keyId];
    expect(verify(exported(rotated, 2, 17))).toMatchObject({ status: 'valid', keyIds: both });
    expect(verify(exported(rotated, 12, 17))).toMatchObject({ status: 'valid', keyIds: both.slice(1) });
    expect(verify(exported(rotated, 12, 17), nextKey.publicKey)).toMatchObject({ status: 'valid' });
    expect(verify(exported(rotated, 10, 9))).toMatchObject({ status: 'valid', keyIds: both.slice(0, 1) });
    expect(verify(exported(rotated, 10, 9), nextKey.publicKey)).toMatchObject({ status: 'incomplete', problem: null });
  });

  test('is refused when a key signs that nothing introduced', () => {
    const stolen = book({ signers: { 5: key, 13: stranger, 18: stranger } });
    expect(refusal(verify(exported(stolen, 0, 17)))).toEqual([
      'invalid',
      13,
      expect.stringMatching(/^the line is signed with key .{16}, not with/),
    ]);
    expect(verify(file, stranger.publicKey)).toMatchObject({ status: 'invalid', eventsSigned: 0 });
  });
});

describe('nothing at a change of keys is covered by that very checkpoint, or by none', () => {
  const [header, manifest] = exported(rotated, 10, 9) as [
    Extract<ExportLine, { type: 'header' }>,
    Extract<ExportLine, { type: 'manifest' }>,
  ];
  const change = manifest.coveredBy!;
  const content = { ...parseCheckpoint(change.text), nextKey: nextKey.publicKey };
  const coveredBy = (signed: SignedCheckpoint) =>
    verify([header, { ...manifest, coveredBy: { ...change, ...signed } }]);
  const replaced = expect.stringMatching(/^the line is signed with key .{16}, which was replaced after size 10$/);

  test.each<[string, SignedCheckpoint, unknown]>([
    ['another text of the same key', signCheckpoint({ ...content, time: at(11) }, key), replaced],
    ['a text that names another next key', signCheckpoint({ ...content, nextKey: stranger.publicKey }, key), replaced],
    [
      'another signature',
      { text: change.text, signature: stranger.sign(Buffer.from(change.text)).toString('base64') },
      replaced,
    ],
    [
      'the next key',
      signCheckpoint({ ...content, nextKey: null }, nextKey),
      'the line covers 10 events after one of 10',
    ],
    [
      'another key',
      signCheckpoint(content, stranger),
      expect.stringMatching(/^the line is signed with key .{16}, not with/),
    ],
  ])('not by one with %s', (_name, signed, reason) => {
    expect(refusal(coveredBy(signed))).toEqual(['invalid', 10, reason]);
  });

  test('not by one that the header shows and nobody trusts', () => {
    const forged = signCheckpoint(content, stranger);
    const lines: ExportLine[] = [
      { ...header, keyChanges: [...header.keyChanges, forged] },
      { ...manifest, coveredBy: { ...change, ...forged } },
    ];
    expect(verify(lines)).toMatchObject({ status: 'invalid', checkpoints: 0 });
    const [alone] = lines as [typeof header, typeof manifest];
    expect(verify([{ ...alone, keyChanges: [forged] }, lines[1]!])).toMatchObject({
      status: 'invalid',
      checkpoints: 0,
    });
  });

  test('not by one that changes no key, which the header has no place for', () => {
    const [begin, end] = exported(rotated, 5, 4) as [typeof header, typeof manifest];
    expect(refusal(verify([{ ...begin, keyChanges: [end.coveredBy!] }, end]))).toEqual([
      'invalid',
      5,
      'the line covers 5 events after one of 5',
    ]);
  });

  test('not where the tree or the head is another', () => {
    const unfit = expect.stringContaining('is not what was signed');
    const tree = header.tree.toReversed();
    expect(refusal(verify([{ ...header, tree }, manifest]))).toEqual(['invalid', 10, unfit]);
    const head = eventHash(rotated.events[8]!);
    const lines = [
      { ...header, previousHash: head },
      { ...manifest, headHash: head },
    ];
    expect(refusal(verify(lines))).toEqual(['invalid', 10, unfit]);
  });

  test('not where events follow it', () => {
    const lines = exported(rotated, 10, 10);
    const end = { ...(lines.at(-1) as typeof manifest), coveredBy: { ...change, rest: [] } };
    expect(refusal(verify([...lines.slice(0, -1), end]))).toEqual([
      'invalid',
      null,
      'the manifest does not lead from 11 to 10 events',
    ]);
  });
});

describe('an attack is refused, naming where', () => {
  test('one flipped byte', () => {
    const payload = flip(whole.events[7]!, 'live-7', 'live-8');
    expect(refusal(verify(withPayload(file, 7, payload)))).toEqual([
      'invalid',
      7,
      'was changed: its bytes do not have the hash that the event after it carries',
    ]);
  });

  test('one flipped byte in the last event, and in the one before a checkpoint', () => {
    const last = withPayload(file, 17, flip(whole.events[17]!, 'live-17', 'live-18'));
    expect(refusal(verify(last))).toEqual(['invalid', 17, expect.stringContaining('names as the head')]);
    const before = withPayload(file, 12, flip(whole.events[12]!, 'live-12', 'live-13'));
    expect(refusal(verify(before))).toEqual(['invalid', 12, expect.stringContaining('was changed')]);
  });

  test('a changed link', () => {
    const payload = flip(whole.events[7]!, eventHash(whole.events[6]!), eventHash(whole.events[5]!));
    expect(refusal(verify(withPayload(file, 7, payload)))).toEqual([
      'invalid',
      7,
      expect.stringContaining('does not follow'),
    ]);
  });

  test('an amount that does not balance', () => {
    const change = (sequence: number, fields: Record<string, unknown>) =>
      sequence === 9
        ? (JSON.parse(JSON.stringify(fields).replace('"109"', '"110"')) as Record<string, unknown>)
        : fields;
    expect(refusal(verify(exported(book({ change }), 0, 17)))).toEqual([
      'invalid',
      9,
      'debits less credits in TXC are 1, not 0',
    ]);
  });

  test('the last event dropped', () => {
    const dropped = file.filter((line) => !(line.type === 'event' && line.sequence === 17));
    expect(refusal(verify(dropped))).toEqual(['invalid', 17, 'is missing: the range goes to 17']);
  });

  test('the last event dropped and the manifest adjusted', () => {
    const honest = exported(whole, 0, 17).at(-1) as Extract<ExportLine, { type: 'manifest' }>;
    const shorter = exported({
      ...whole,
      events: whole.events.slice(0, 17),
      checkpoints: whole.checkpoints.slice(0, 2),
    });
    const lines = [...shorter.slice(0, -1), { ...(shorter.at(-1) as typeof honest), coveredBy: honest.coveredBy }];
    // Without the dropped event's hash nothing leads from what is left to what was signed; with it the file says that it ends.
    expect(refusal(verify(lines))).toEqual(['invalid', null, 'the manifest does not lead from 17 to 18 events']);
    const guessed = { ...honest.coveredBy!, rest: [joined([]).toString('base64')] };
    const forged = [...lines.slice(0, -1), { ...(lines.at(-1) as typeof honest), coveredBy: guessed }];
    expect(refusal(verify(forged))).toEqual(['invalid', 13, expect.stringContaining('is not what was signed')]);
  });

  test('the file cut off', () => {
    expect(refusal(verify(file.slice(0, -1)))).toEqual(['invalid', 18, 'the file ends before its manifest']);
    expect(refusal(verify([]))).toEqual(['invalid', null, 'the file ends before its manifest']);
  });

  test('an event left out in the middle', () => {
    expect(refusal(verify(file.toSpliced(placeOf(file, 7), 1)))).toEqual([
      'invalid',
      7,
      'is missing: the file goes on with event 8',
    ]);
  });

  test('two events swapped', () => {
    const swapped = withPayload(withPayload(file, 7, whole.events[8]!), 8, whole.events[7]!);
    expect(refusal(verify(swapped))).toEqual(['invalid', 7, expect.stringContaining('does not follow')]);
    const lines = file.with(placeOf(file, 7), file[placeOf(file, 8)]!).with(placeOf(file, 8), file[placeOf(file, 7)]!);
    expect(refusal(verify(lines))).toEqual(['invalid', 7, 'is missing: the file goes on with event 8']);
  });

  test("another book's event spliced in", () => {
    const other = book({ name: 'sandbox' });
    expect(refusal(verify(withPayload(file, 7, other.events[7]!)))).toEqual([
      'invalid',
      7,
      expect.stringContaining('does not follow'),
    ]);
    const linked = Buffer.from(
      other.events[7]!.toString().replace(eventHash(other.events[6]!), eventHash(whole.events[6]!)),
    );
    expect(refusal(verify(withPayload(file, 7, linked)))).toEqual([
      'invalid',
      7,
      expect.stringContaining('was changed'),
    ]);
  });

  test("another book's checkpoint", () => {
    const other = book({ name: 'sandbox' });
    const lines = exported({ ...whole, checkpoints: [other.checkpoints[0]!, ...whole.checkpoints.slice(1)] }, 0, 17);
    expect(refusal(verify(lines))).toEqual([
      'invalid',
      5,
      'the line is of daybook/book-sandbox, not of daybook/book-live',
    ]);
  });

  test('the whole chain re-written, with the old signatures', () => {
    const change = (sequence: number, fields: Record<string, unknown>) =>
      sequence === 7 ? { ...fields, transactionId: 'another' } : fields;
    const rewritten = book({ change, signedBefore: whole.checkpoints });
    // Up to the first checkpoint after the change everything is as it was.
    expect(refusal(verify(exported(rewritten, 0, 17)))).toEqual([
      'invalid',
      5,
      `is not what was signed: the events up to 12 do not have the root of the checkpoint of ${at(13)}`,
    ]);
  });

  test('the whole chain re-written, with signatures of its own', () => {
    const signers = { 5: stranger, 13: stranger, 18: stranger };
    expect(verify(exported(book({ signers }), 0, 17))).toMatchObject({ status: 'invalid', eventsSigned: 0 });
  });

  test('a checkpoint kept back that the journal records', () => {
    const hidden = file.filter((line) => line.type !== 'checkpoint');
    expect(refusal(verify(hidden))).toEqual(['invalid', 5, 'records a checkpoint that the file does not show']);
  });

  test('another tree before the range', () => {
    const lines = exported(whole, 6, 17);
    const header = lines[0] as Extract<ExportLine, { type: 'header' }>;
    const tree = header.tree.with(0, header.tree[1]!);
    expect(refusal(verify([{ ...header, tree }, ...lines.slice(1)]))).toEqual([
      'invalid',
      6,
      expect.stringContaining('is not what was signed'),
    ]);
  });

  test.each([
    ['a space', '"sequence":7,', '"sequence": 7,'],
    ['a field that nobody reads', '"sequence":7,', '"sequence":7,"more":1,'],
    ['a field twice', '"sequence":7,', '"sequence":8,"sequence":7,'],
    ['another way to write a letter', '"sequence":7,"payload":"{\\"event', '"sequence":7,"payload":"{\\"\\u0065vent'],
  ])('%s that leaves the event as it is', (_name, find, replacement) => {
    const text = bytesOf(file).toString();
    expect(text).toContain(find);
    expect(refusal(verify(Buffer.from(text.replace(find, replacement))))).toEqual([
      'invalid',
      7,
      'the line is not in its canonical form',
    ]);
  });

  test('any change of a single byte of the events', () => {
    const bytes = bytesOf(exported(whole, 3, 17));
    const start = bytes.indexOf(10) + 1;
    const end = bytes.lastIndexOf(10, bytes.length - 2);
    fc.assert(
      fc.property(fc.integer({ min: start, max: end }), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const changed = Buffer.from(bytes);
        changed[place]! ^= change;
        const { status, problem } = verify(changed);
        expect(status).toBe('invalid');
        // The line is that of the change or, where the chain tells, of an event close by.
        const lineOf = bytes.subarray(0, place).filter((byte) => byte === 10).length + 1;
        expect(problem!.line).toBeGreaterThanOrEqual(lineOf);
        expect(problem!.line).toBeLessThanOrEqual(lineOf + 3);
      }),
      { numRuns: 1_000 },
    );
  });

  const short = book({ length: 6, signers: { 1: key, 3: nextKey, 5: nextKey }, keyChangeAt: 1 });
  const parts = exported(short, 2, 3);
  test.each([
    ['from the first key on', key, parts],
    ['from the next key on, which disregards what introduced it', nextKey, parts],
    ['without events', nextKey, exported(short, 2, 1)],
  ])('any single flipped bit of a whole file, %s', (_name, trusted, lines) => {
    const bytes = bytesOf(lines);
    expect(verify(bytes, trusted.publicKey).status).toBe('valid');
    const believed = [...bytes.keys()].filter((place) => {
      const changed = Buffer.from(bytes);
      changed[place]! ^= 1;
      return verify(changed, trusted.publicKey).status !== 'invalid';
    });
    expect(believed).toEqual([]);
  });

  test('another way to write the same hash, of the tree and of what completes it', () => {
    const text = bytesOf(parts).toString();
    const { tree } = parts[0] as Extract<ExportLine, { type: 'header' }>;
    const { coveredBy } = parts.at(-1) as Extract<ExportLine, { type: 'manifest' }>;
    for (const [name, hash] of [
      ...tree.map((node) => ['tree', node]),
      ...coveredBy!.rest.map((node) => ['rest', node]),
    ]) {
      const other = sameBytes(hash!);
      expect(refusal(verify(Buffer.from(text.replace(hash!, other))))).toEqual([
        'invalid',
        name === 'tree' ? null : 4,
        `the line has something in ${name} that is no hash`,
      ]);
    }
  });

  test('the end of the last line missing, and any other end of the file', () => {
    const bytes = bytesOf(file);
    expect(refusal(verify(bytes.subarray(0, -1)))).toEqual([
      'invalid',
      null,
      'the line has no end, as in a file that was cut off',
    ]);
    const problem = { line: file.length, sequence: null };
    expect(verify(bytes.subarray(0, -1)).problem).toMatchObject(problem);
    const within = bytesOf(file.slice(0, 4)).length - 7;
    expect(verify(bytes.subarray(0, within)).problem).toMatchObject({ line: 4, sequence: 2 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (end) => {
        expect(verify(bytes.subarray(0, end)).status).toBe('invalid');
      }),
    );
  });
});

/** Base64 of 32 bytes has two bits more than they need: the text that differs in the last of them. */
function sameBytes(base64: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const other = `${base64.slice(0, -2)}${letters[letters.indexOf(base64.at(-2)!) ^ 1]}=`;
  expect(Buffer.from(other, 'base64').equals(Buffer.from(base64, 'base64'))).toBe(true);
  return other;
}
