import 'reflect-metadata';
import { JwtService } from '@nestjs/jwt';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { TestDatabase, type TestTenant } from '@stockroom/database/testing';
import { AppModule } from '../../src/app.module';
import { configureApp } from '../../src/app.setup';
import { InMemoryEventPublisher } from '../../src/events/in-memory-event-publisher';

export interface Api {
  app: NestFastifyApplication;
  database: TestDatabase;
  events: InMemoryEventPublisher;
  /** Headers of a request that a tenant makes. */
  as(tenant: TestTenant): { authorization: string };
  close(): Promise<void>;
}

/** The real API on an in-process database, without a port. */
export async function startApi(): Promise<Api> {
  const database = await TestDatabase.create();
  const events = new InMemoryEventPublisher();
  const jwtSecret = 'a secret for the tests only';
  const root = AppModule.forRoot({ connection: database, publisher: events, jwtSecret });
  const module = await Test.createTestingModule({ imports: [root] }).compile();
  const app = configureApp(module.createNestApplication<NestFastifyApplication>(new FastifyAdapter()));
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  const jwt = app.get(JwtService, { strict: false });
  return {
    app,
    database,
    events,
    as: (tenant) => ({ authorization: `Bearer ${jwt.sign({ tenantId: tenant.id })}` }),
    close: async () => {
      await app.close();
      await database.close();
    },
  };
}
