import { timeZoneOf } from './time-zone';

test.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Asia/Calcutta', 'US/Pacific', 'Etc/GMT+5'])(
  '%s is called so',
  (name) => expect(timeZoneOf(name)).toBe(name),
);

test.each([
  ['Japan', 'Asia/Tokyo'],
  ['Singapore', 'Asia/Singapore'],
  ['CET', 'Europe/Brussels'],
  ['EET', 'Europe/Athens'],
  ['GB', 'Europe/London'],
  ['GB-Eire', 'Europe/London'],
  ['PRC', 'Asia/Shanghai'],
  ['NZ-CHAT', 'Pacific/Chatham'],
])('%s has no place in its name, and is called %s', (name, expected) => expect(timeZoneOf(name)).toBe(expected));

test.each(['GMT', 'EST', 'EST5EDT', 'Zulu', 'W-SU'])('%s is a name of the database', (name) =>
  expect(timeZoneOf(name)).toBeDefined(),
);

test.each([
  'IST',
  'PST',
  'BST',
  'JST',
  'ACT',
  '+02:00',
  'GMT+2',
  'UTC+2',
  'UTC-05:30',
  'EST4',
  'SystemV/PST8',
  'Mars/Base',
  '',
])('%j is no name of the database', (name) => expect(timeZoneOf(name)).toBeUndefined());
