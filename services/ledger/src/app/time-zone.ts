/**
 * Time zones by their names in the IANA database. Other names are refused, because they are read in two ways: Postgres takes
 * the sign of an offset the other way round, and an abbreviation such as IST for another country than the next reader.
 */

/** Continent or ocean and place. Those of SystemV are no longer in the database, and Postgres reads them as rules. */
const placed = /^(?!SystemV\/)[A-Z][A-Za-z_]+(\/[A-Za-z0-9_+-]+)+$/;

/** All others: kept for what was written long ago, and no more are added. */
const placeless = new Set(
  (
    'CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland Iran ' +
    'Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC ROK ' +
    'Singapore Turkey UCT UTC Universal W-SU WET Zulu'
  ).split(' '),
);

/** Postgres takes these for abbreviations, which know no summer time, and some versions of ICU know no place for them. */
const abbreviated = new Map([
  ['CET', 'Europe/Brussels'],
  ['EET', 'Europe/Athens'],
  ['MET', 'Europe/Brussels'],
  ['WET', 'Europe/Lisbon'],
]);

/**
 * What to call the zone where days are cut; undefined when the name is not one of the database. One without a place is
 * called by its place, because not every Postgres has what was written long ago.
 */
export function timeZoneOf(name: string): string | undefined {
  if (!placed.test(name) && !placeless.has(name)) return undefined;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return placed.test(name) ? name : (abbreviated.get(name) ?? timeZone);
  } catch {
    return undefined;
  }
}
