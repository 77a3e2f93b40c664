import { Test } from '@nestjs/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { DRIZZLE } from '../database/database.module';
import { CatalogService } from './catalog.service';

describe('CatalogService', () => {
  let service: CatalogService;

  beforeEach(async () => {
    const module = await Test.createTestingModule({
      providers: [CatalogService, { provide: DRIZZLE, useValue: {} }],
    }).compile();
    service = module.get(CatalogService);
  });

  it('should be defined', () => {
    expect(service).toBeDefined();
  });
});
