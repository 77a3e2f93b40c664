import { type DynamicModule, Module } from '@nestjs/common';
import { EVENT_PUBLISHER, type EventPublisher } from './event-publisher';

@Module({})
export class EventsModule {
  static forRoot(publisher: EventPublisher): DynamicModule {
    return {
      module: EventsModule,
      global: true,
      providers: [{ provide: EVENT_PUBLISHER, useValue: publisher }],
      exports: [EVENT_PUBLISHER],
    };
  }
}
