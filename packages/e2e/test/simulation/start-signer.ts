/** The signer in this process: elsewhere it is a process of its own. */
import type { Logger, OnFatal, Service } from '@daybook/runtime';
import { loadConfig } from '../../../signer/src/config';
import { createService } from '../../../signer/src/service';

export function signerService(
  settings: Readonly<Record<string, string>>,
  overrides: { readonly logger: Logger; readonly onFatal: OnFatal },
): Service {
  return createService(loadConfig(settings), overrides);
}
