export {
  CheckpointError,
  createTrust,
  parseCheckpoint,
  signCheckpoint,
  verifyCheckpoint,
  type Checkpoint,
  type SignedCheckpoint,
  type Trust,
  type ValidKey,
} from './checkpoint';
export {
  eventHash,
  exportFormat,
  ExportLineError,
  genesisHash,
  readExportLine,
  writeExportLine,
  type ExportCheckpoint,
  type ExportEvent,
  type ExportHeader,
  type ExportLine,
  type ExportManifest,
} from './export-format';
export { createExportVerifier, type ExportProblem, type ExportVerdict, type ExportVerifier } from './export-verifier';
export { generateSigningKey, KeyError, parsePublicKey, parseSigningKey, type PublicKey, type SigningKey } from './keys';
export { consistencyPath, includes, inclusionPath, isConsistent, spanHash } from './merkle-paths';
export {
  createFrontier,
  emptyRoot,
  joined,
  leafHash,
  nodeHash,
  subtreesOf,
  type Frontier,
  type Span,
  type Subtree,
} from './merkle-tree';
