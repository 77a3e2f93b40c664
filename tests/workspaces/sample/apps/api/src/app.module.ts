import { type DynamicModule, Module } from '@nestjs/common';
import type { Connection } from '@stockroom/database';
import { AuthModule } from './auth/auth.module';
import { CatalogModule } from './catalog/catalog.module';
import { CustomersModule } from './customers/customers.module';
import { DatabaseModule } from './database/database.module';
import type { EventPublisher } from './events/event-publisher';
import { EventsModule } from './events/events.module';
import { HealthModule } from './health/health.module';
import { OrdersModule } from './orders/orders.module';

export interface AppParts {
  connection: Pick<Connection, 'db'>;
  publisher: EventPublisher;
  jwtSecret: string;
}

@Module({})
export class AppModule {
  /** The whole API over the given outside world. */
  static forRoot({ connection, publisher, jwtSecret }: AppParts): DynamicModule {
    return {
      module: AppModule,
      imports: [
        DatabaseModule.forRoot(connection),
        EventsModule.forRoot(publisher),
        AuthModule.forRoot(jwtSecret),
        CatalogModule,
        CustomersModule,
        HealthModule,
        OrdersModule,
      ],
    };
  }
}
