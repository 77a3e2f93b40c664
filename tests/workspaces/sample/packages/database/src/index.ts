export { connect, type Connection, type Drizzle, type Transaction } from './connection';
export { TenantContextError, TenantScope } from './tenant-scope';
export * from './schema';
