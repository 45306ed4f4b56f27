/** The institutions of a tenant: added once per name, numbered, never removed. */
import {
  institutionSettings,
  type addInstitution,
  type CallOutcome,
  type CallRequest,
  type InstitutionSettings,
  type institutionView,
  type listInstitutions,
  type setInstitutionEnabled,
} from '@daybook/contracts';
import { assert } from '@daybook/core';
import { keyedDigests, uuidv7, type Clock, type Keyring, type Sealer } from '@daybook/runtime';
import type { z } from 'zod';
import type { InstitutionStore } from '../ports';
import type { Institution, InstitutionCommand } from '../domain/institutions';
import { sortedFields } from './sorted-fields';
import { institutionsStream, type Owner } from './transfer-streams';

export type InstitutionDeps = {
  readonly institutions: InstitutionStore;
  readonly sealer: Sealer;
  readonly secretsKeys: Keyring;
  /** Whether there is a place for files that tell banks. */
  readonly hasOutbox: boolean;
  readonly now: Clock;
};

export function institutionCalls({ institutions, sealer, secretsKeys, hasOutbox, now }: InstitutionDeps) {
  function ask(owner: Owner, command: InstitutionCommand) {
    const commandId = uuidv7(now());
    const context = { commandId, correlationId: commandId, causationId: commandId };
    return institutions.handle(institutionsStream(owner), command, context);
  }

  return {
    async addInstitution(request: CallRequest<typeof addInstitution>): Promise<CallOutcome<typeof addInstitution>> {
      const { tenantId, mode, name, settings } = request;
      if (settings.bank === 'iso20022' && !hasOutbox) return { ok: false, rejection: 'bank_not_available' };
      const currencies = [...new Set(request.currencies)];
      const at = now();
      const institutionId = uuidv7(at);
      const sealedSettings = sealer.seal(JSON.stringify(settings), institutionId);
      const digests = keyedDigests(secretsKeys, 'institution', [currencies, sortedFields(settings)]);
      const { bank } = settings;
      const contentDigest = digests.current;
      const terms = { institutionId, tenantId, mode, name, bank, currencies, sealedSettings, contentDigest };
      const add = { type: 'AddInstitution', terms, oldDigests: digests.old, at: at.toISOString() } as const;
      const outcome = await ask(request, add);
      if (!outcome.ok) {
        assert(outcome.rejection !== 'institution_not_found', 'adding names no institution');
        return { ok: false, rejection: outcome.rejection };
      }
      const added = outcome.state.find((institution) => institution.name === name);
      assert(added, 'the institution that was added is there');
      return { ok: true, value: { institution: viewOf(added), replayed: outcome.events.length === 0 } };
    },

    async setInstitutionEnabled(
      request: CallRequest<typeof setInstitutionEnabled>,
    ): Promise<CallOutcome<typeof setInstitutionEnabled>> {
      const { number, enabled } = request;
      const at = now().toISOString();
      const { state } = await ask(request, { type: 'SetInstitutionEnabled', number, enabled, at });
      const institution = state[number - 1];
      if (institution === undefined) return { ok: false, rejection: 'institution_not_found' };
      return { ok: true, value: { institution: viewOf(institution) } };
    },

    async listInstitutions(
      request: CallRequest<typeof listInstitutions>,
    ): Promise<CallOutcome<typeof listInstitutions>> {
      const { state } = await institutions.load(institutionsStream(request));
      return { ok: true, value: { institutions: state.map(viewOf) } };
    },
  };
}

export async function institutionNumbered(
  institutions: InstitutionStore,
  owner: Owner,
  number: number,
): Promise<Institution | undefined> {
  return (await institutions.load(institutionsStream(owner))).state[number - 1];
}

export function settingsOf(
  sealer: Sealer,
  { institutionId, sealedSettings }: Pick<Institution, 'institutionId' | 'sealedSettings'>,
): InstitutionSettings {
  return institutionSettings.parse(JSON.parse(sealer.open(sealedSettings, institutionId)));
}

function viewOf(institution: Institution): z.output<typeof institutionView> {
  const { institutionId, number, name, bank, currencies, enabled, createdAt } = institution;
  return { institutionId, number, name, bank, currencies: [...currencies], enabled, createdAt };
}
