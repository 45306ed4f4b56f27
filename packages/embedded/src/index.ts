export { EmbeddedServerError, type EmbeddedServer } from './embedded-server';
export { embeddedPostgres } from './embedded-postgres';
