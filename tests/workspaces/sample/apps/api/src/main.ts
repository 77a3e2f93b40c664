import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import { connect } from '@stockroom/database';
import { AppModule } from './app.module';
import { configureApp, describeApi } from './app.setup';
import { loadConfig } from './config';
import { BullMqEventPublisher } from './events/bullmq-event-publisher';

async function bootstrap(): Promise<void> {
  const config = loadConfig(process.env);
  const parts = {
    connection: connect(config.DATABASE_URL),
    publisher: BullMqEventPublisher.connect(config.REDIS_URL),
    jwtSecret: config.JWT_SECRET,
  };
  const app = configureApp(
    await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(parts), new FastifyAdapter()),
  );
  SwaggerModule.setup('docs', app, () => describeApi(app), { ui: false, raw: ['json'] });
  await app.listen(config.PORT, '0.0.0.0');
}

void bootstrap();
