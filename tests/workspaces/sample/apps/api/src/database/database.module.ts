import { type DynamicModule, Module } from '@nestjs/common';
import { type Connection, TenantScope } from '@stockroom/database';

export const DRIZZLE = Symbol('DRIZZLE');

@Module({})
export class DatabaseModule {
  static forRoot(connection: Pick<Connection, 'db'>): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [
        { provide: DRIZZLE, useValue: connection.db },
        { provide: TenantScope, useValue: new TenantScope(connection.db) },
      ],
      exports: [DRIZZLE, TenantScope],
    };
  }
}
