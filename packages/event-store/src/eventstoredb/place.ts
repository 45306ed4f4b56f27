/** Places in the server's log as positions of the port: `esdb:<commit>:<prepare>:<index inside the append>`. */
import { assert } from '@daybook/core';
import { start, type Position } from '../event-store';

/** A place between the events of the server's log. */
export type LogPlace = { readonly commit: bigint; readonly prepare: bigint };

/** The store of a position is part of its text: a checkpoint that another kind of store reached is refused. */
export type EventPlaceInLog = LogPlace & { readonly index: bigint };

const beforeAll: EventPlaceInLog = { commit: -1n, prepare: -1n, index: -1n };

export function positionOf(place: LogPlace, index: number): Position {
  return `esdb:${place.commit}:${place.prepare}:${index}` as Position;
}

export function placeOf(position: Position): EventPlaceInLog {
  if (position === start) return beforeAll;
  const place = parsedPlace(position);
  assert(place !== undefined, `${position} is not a position of EventStoreDB: is EVENT_STORE the one of before?`);
  return place;
}

/** Undefined of what is no place of an event on EventStoreDB. */
export function parsedPlace(position: Position): EventPlaceInLog | undefined {
  const [, commit, prepare, index] = /^esdb:(\d+):(\d+):(\d+)$/.exec(position) ?? [];
  if (commit === undefined || prepare === undefined || index === undefined) return undefined;
  return { commit: BigInt(commit), prepare: BigInt(prepare), index: BigInt(index) };
}

export function comparePlaces(a: LogPlace, b: LogPlace): number {
  return sign(a.commit, b.commit) || sign(a.prepare, b.prepare);
}

export function comparePositions(a: Position, b: Position): number {
  const [left, right] = [placeOf(a), placeOf(b)];
  return comparePlaces(left, right) || sign(left.index, right.index);
}

function sign(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}
