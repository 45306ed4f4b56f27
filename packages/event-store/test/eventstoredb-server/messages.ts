/** Between the protobuf messages that the client ships and what the server keeps. */
import { Empty, StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb';
import { AppendResp, ReadResp, type AppendReq, type ReadReq } from '@eventstore/db-client/generated/streams_pb';
import type { Expected, LoggedEvent, Proposed, Written } from './log';

export function nameOf(identifier: StreamIdentifier | undefined): string {
  return Buffer.from(identifier!.getStreamName_asU8()).toString('utf8');
}

export function expectedOf(options: AppendReq.Options): Expected {
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'stream_exists';
  return options.hasNoStream() ? 'no_stream' : BigInt(options.getRevision());
}

export function proposedOf(message: AppendReq.ProposedMessage): Proposed {
  const about = message.getMetadataMap();
  return {
    id: uuidOf(message.getId()!),
    type: about.get('type') ?? '',
    contentType: about.get('content-type') ?? 'application/octet-stream',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

/** The client writes ids as text or as two halves of 64 bits. */
function uuidOf(uuid: UUID): string {
  if (uuid.hasString()) return uuid.getString();
  const { mostSignificantBits, leastSignificantBits } = uuid.getStructured()!.toObject();
  const hex = [mostSignificantBits, leastSignificantBits]
    .map((half) => BigInt.asUintN(64, BigInt(half)).toString(16).padStart(16, '0'))
    .join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function appendAnswer(written: Written, expected: Expected): AppendResp {
  if (written.outcome === 'done') {
    const position = new AppendResp.Position()
      .setCommitPosition(written.last.position.toString())
      .setPreparePosition(written.last.position.toString());
    return new AppendResp().setSuccess(
      new AppendResp.Success().setCurrentRevision(written.last.revision.toString()).setPosition(position),
    );
  }
  const wrong = new AppendResp.WrongExpectedVersion();
  if (written.actual === undefined) wrong.setCurrentNoStream(new Empty());
  else wrong.setCurrentRevision(written.actual.toString());
  if (typeof expected === 'bigint') wrong.setExpectedRevision(expected.toString());
  else if (expected === 'no_stream') wrong.setExpectedNoStream(new Empty());
  else wrong.setExpectedStreamExists(new Empty());
  return new AppendResp().setWrongExpectedVersion(wrong);
}

export function eventMessage(event: LoggedEvent): ReadResp {
  const recorded = new ReadResp.ReadEvent.RecordedEvent()
    .setId(new UUID().setString(event.id))
    .setStreamIdentifier(new StreamIdentifier().setStreamName(Buffer.from(event.stream)))
    .setStreamRevision(event.revision.toString())
    .setCommitPosition(event.position.toString())
    .setPreparePosition(event.position.toString())
    .setData(event.data)
    .setCustomMetadata(event.metadata);
  recorded
    .getMetadataMap()
    .set('type', event.type)
    .set('created', event.created.toString())
    .set('content-type', event.contentType);
  const read = new ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(event.position.toString());
  return new ReadResp().setEvent(read);
}

export function notFoundMessage(stream: string): ReadResp {
  const identifier = new StreamIdentifier().setStreamName(Buffer.from(stream));
  return new ReadResp().setStreamNotFound(new ReadResp.StreamNotFound().setStreamIdentifier(identifier));
}

export function checkpointMessage(position: bigint): ReadResp {
  const checkpoint = new ReadResp.Checkpoint()
    .setCommitPosition(position.toString())
    .setPreparePosition(position.toString());
  return new ReadResp().setCheckpoint(checkpoint);
}

/** Which events a request wants, by stream name or by type, by prefix or by expression. */
export function filterOf(options: ReadReq.Options): (event: LoggedEvent) => boolean {
  const filter = options.getFilter();
  if (filter === undefined) return () => true;
  const expression = filter.getStreamIdentifier() ?? filter.getEventType()!;
  const of = (event: LoggedEvent) => (filter.hasStreamIdentifier() ? event.stream : event.type);
  const prefixes = expression.getPrefixList();
  if (prefixes.length > 0) return (event) => prefixes.some((prefix) => of(event).startsWith(prefix));
  const pattern = new RegExp(expression.getRegex());
  return (event) => pattern.test(of(event));
}
