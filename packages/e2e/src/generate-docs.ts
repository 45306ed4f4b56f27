/**
 * Writes what the documentation takes from the code: docs/events.md from the contracts, the settings tables of the READMEs
 * from the config schemas, and the table of protections in docs/guarantees.md. With --check it writes nothing and fails
 * when a file would change.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventContracts } from '@daybook/contracts';
import { describeConfig } from '@daybook/runtime';
import { configSchema as signer } from '@daybook/signer';
import { configSchema as standalone } from '@daybook/standalone';
import { configSchema as chainWatcher } from '@services/chain-watcher';
import { configSchema as gateway } from '@services/gateway';
import { configSchema as identity } from '@services/identity';
import { configSchema as intents } from '@services/intents';
import { configSchema as ledger } from '@services/ledger';
import { configSchema as notifications } from '@services/notifications';
import { configSchema as settlement } from '@services/settlement';
import { z } from 'zod';
import { protections } from './protections/protections';
import { documentedRows } from './protections/report';

const root = join(__dirname, '../../..');
const configSchemas: Readonly<Record<string, z.ZodObject>> = {
  '.': standalone,
  'packages/signer': signer,
  'services/chain-watcher': chainWatcher,
  'services/gateway': gateway,
  'services/identity': identity,
  'services/intents': intents,
  'services/ledger': ledger,
  'services/notifications': notifications,
  'services/settlement': settlement,
};
const settingsBetween = /(<!-- config -->\n)[\s\S]*?(<!-- \/config -->)/;
const protectionsBetween = /(<!-- protections -->\n)[\s\S]*?(<!-- \/protections -->)/;

type JsonSchema = {
  properties?: Record<string, JsonSchema>;
  type?: string | string[];
  enum?: unknown[];
  format?: string;
  pattern?: string;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  description?: string;
};

function typeOf(schema: JsonSchema): string {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (Array.isArray(schema.type)) return schema.type.join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.format !== undefined) return schema.format;
  return schema.pattern === undefined ? (schema.type ?? 'object') : `text like \`${schema.pattern}\``;
}

function eventsPage(): string {
  const topics = [...new Set(eventContracts.map(({ topic }) => topic))];
  const sections = topics.map((topic) => {
    const events = eventContracts.filter((contract) => contract.topic === topic);
    const described = events.map((contract) => {
      const { properties = {} } = z.toJSONSchema(contract.data, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
      const rows = Object.entries(properties).map(
        ([name, field]) => `| \`${name}\` | ${typeOf(field).replaceAll('|', '\\|')} |`,
      );
      return [
        `### ${contract.type} v${contract.version}`,
        '',
        contract.summary,
        '',
        '| field | type |',
        '| --- | --- |',
        ...rows,
      ].join('\n');
    });
    return [`## \`${topic}\``, ...described].join('\n\n');
  });
  const intro =
    'Generated from `packages/contracts` by `npm run docs`. Every message has the same envelope: `id` (deduplicate on it), `type`, `version`, `occurredAt`, `stream`, `streamVersion`, `correlationId`, `causationId`, `data`. Amounts are decimal strings of minor units. Messages of one key arrive in order, at least once.';
  return ['# Events between services', intro, ...sections].join('\n\n') + '\n';
}

type Page = { readonly path: string; readonly text: string };

function readmeWithSettings([folder, schema]: readonly [string, z.ZodObject]): Page {
  return pageWith(join(folder, 'README.md'), settingsBetween, describeConfig(schema));
}

function pageWith(file: string, between: RegExp, content: string): Page {
  const path = join(root, file);
  const page = readFileSync(path, 'utf8');
  if (!between.test(page)) throw new Error(`${path} has no place for ${between.source}`);
  return { path, text: page.replace(between, (_, open: string, close: string) => open + unformatted(content) + close) };
}

/** The formatter would align the columns anew at every change. */
function unformatted(content: string): string {
  return `<!-- prettier-ignore-start -->\n\n${content}\n\n<!-- prettier-ignore-end -->\n`;
}

function main(): number {
  const files = [
    { path: join(root, 'docs/events.md'), text: eventsPage() },
    ...Object.entries(configSchemas).map(readmeWithSettings),
    pageWith('docs/guarantees.md', protectionsBetween, documentedRows(protections)),
  ];
  const stale = files.filter(({ path, text }) => readOrEmpty(path) !== text);
  if (!process.argv.includes('--check')) stale.forEach(({ path, text }) => writeFileSync(path, text));
  for (const { path } of stale)
    process.stdout.write(
      `${path.slice(root.length + 1)} ${process.argv.includes('--check') ? 'is out of date: run npm run docs' : 'written'}\n`,
    );
  return process.argv.includes('--check') && stale.length > 0 ? 1 : 0;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

process.exitCode = main();
