/**
 * Institution registry: the banks through which one tenant pays out in one mode, numbered from 1 in the order in which they
 * were added. An institution is never removed: transfers name it for ever. It can be disabled.
 *
 * Invariants (each has a property test of the same name):
 *   I1  Numbers are 1 to n without gaps; a name belongs to one institution.
 *   I2  Repeating an accepted command at once is accepted again and records nothing.
 *   I3  Sandbox banks are only in sandbox mode.
 */
import type { banks, Mode, transferCurrencies } from '@daybook/contracts';
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';

export type BankName = (typeof banks)[number];
export type TransferCurrency = (typeof transferCurrencies)[number];

export const institutionsMax = 1_000;

export type InstitutionTerms = {
  readonly institutionId: string;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly name: string;
  readonly bank: BankName;
  readonly currencies: readonly TransferCurrency[];
  /** How the bank is reached, sealed. */
  readonly sealedSettings: string;
  /** Keyed digest of bank, currencies and settings: tells a repeat from other content without opening anything. */
  readonly contentDigest: string;
  readonly number: number;
};

export type Institution = InstitutionTerms & { readonly enabled: boolean; readonly createdAt: string };

export type InstitutionCommand =
  | {
      readonly type: 'AddInstitution';
      readonly terms: Omit<InstitutionTerms, 'number'>;
      /** What was recorded as the digest of this content while other keys were current. */
      readonly oldDigests: readonly string[];
      readonly at: string;
    }
  | { readonly type: 'SetInstitutionEnabled'; readonly number: number; readonly enabled: boolean; readonly at: string };

export type InstitutionEvent =
  | { readonly type: 'InstitutionAdded'; readonly terms: InstitutionTerms; readonly at: string }
  | {
      readonly type: 'InstitutionEnabledSet';
      readonly institutionId: string;
      readonly number: number;
      readonly enabled: boolean;
      readonly at: string;
    };

/** In descending precedence: when several apply, the first listed is returned. */
export type InstitutionRejection =
  'bank_not_in_mode' | 'institution_exists_with_different_fields' | 'institutions_too_many' | 'institution_not_found';

/** In the order of their numbers. */
export type InstitutionRegistry = readonly Institution[];

export const institutionRegistry: Decider<
  InstitutionRegistry,
  InstitutionCommand,
  InstitutionEvent,
  InstitutionRejection
> = { initial: [], decide, evolve };

function decide(
  command: InstitutionCommand,
  registry: InstitutionRegistry,
): Decision<InstitutionEvent, InstitutionRejection> {
  switch (command.type) {
    case 'AddInstitution':
      return add(command, registry);
    case 'SetInstitutionEnabled': {
      const { number, enabled, at } = command;
      const institution = registry[number - 1];
      if (institution === undefined) return reject('institution_not_found');
      if (institution.enabled === enabled) return accept();
      const { institutionId } = institution;
      return accept({ type: 'InstitutionEnabledSet', institutionId, number, enabled, at });
    }
    default:
      return assertNever(command);
  }
}

function add(
  { terms, oldDigests, at }: Extract<InstitutionCommand, { type: 'AddInstitution' }>,
  registry: InstitutionRegistry,
): Decision<InstitutionEvent, InstitutionRejection> {
  if (terms.bank === 'sandbox' && terms.mode !== 'sandbox') return reject('bank_not_in_mode');
  const namesake = registry.find(({ name }) => name === terms.name);
  if (namesake !== undefined) {
    const isSame = [terms.contentDigest, ...oldDigests].includes(namesake.contentDigest);
    return isSame ? accept() : reject('institution_exists_with_different_fields');
  }
  if (registry.length >= institutionsMax) return reject('institutions_too_many');
  return accept({ type: 'InstitutionAdded', terms: { ...terms, number: registry.length + 1 }, at });
}

function evolve(registry: InstitutionRegistry, event: InstitutionEvent): InstitutionRegistry {
  switch (event.type) {
    case 'InstitutionAdded':
      assert(event.terms.number === registry.length + 1, 'institutions are numbered in order');
      return [...registry, { ...event.terms, enabled: true, createdAt: event.at }];
    case 'InstitutionEnabledSet': {
      const there = registry[event.number - 1];
      assert(there?.institutionId === event.institutionId, 'an institution that is not there was changed');
      return registry.with(event.number - 1, { ...there, enabled: event.enabled });
    }
    default:
      return assertNever(event);
  }
}
