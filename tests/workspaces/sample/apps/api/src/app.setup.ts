import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { DomainErrorFilter } from './shared/domain-error.filter';

/** What the API and its integration tests share beyond the modules. */
export function configureApp(app: NestFastifyApplication): NestFastifyApplication {
  app.setGlobalPrefix('v1');
  app.useGlobalFilters(new DomainErrorFilter());
  app.enableShutdownHooks();
  return app;
}

export function describeApi(app: NestFastifyApplication): OpenAPIObject {
  const options = new DocumentBuilder().setTitle('Stockroom').setVersion('1').addBearerAuth().build();
  return SwaggerModule.createDocument(app, options);
}
