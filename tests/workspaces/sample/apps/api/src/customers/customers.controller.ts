import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  ParseUUIDPipe,
  Patch,
  Post,
  Query,
  UseGuards,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentTenant } from '../auth/current-tenant.decorator';
import { JwtAuthGuard } from '../auth/jwt-auth.guard';
import { OrderDto } from '../orders/order.dto';
import { ApiCommonErrors, ApiZodBody } from '../shared/openapi';
import { ZodValidationPipe } from '../shared/zod-validation.pipe';
import { CustomerDto, CustomerFilter } from './customer.dto';
import {
  type CreateCustomerInput,
  CreateCustomerSchema,
  type UpdateCustomerInput,
  UpdateCustomerSchema,
} from './customers.schemas';
import { CustomersService } from './customers.service';

@ApiTags('customers')
@ApiBearerAuth()
@ApiCommonErrors()
@Controller('customers')
@UseGuards(JwtAuthGuard)
export class CustomersController {
  constructor(private readonly customers: CustomersService) {}

  @Get()
  @ApiOperation({ summary: 'List customers' })
  @ApiOkResponse({ type: [CustomerDto] })
  async findAll(
    @Query() filter: CustomerFilter,
    @CurrentTenant() tenantId: string,
  ): Promise<CustomerDto[]> {
    return this.customers.findAll(tenantId, filter);
  }

  @Post()
  @ApiOperation({ summary: 'Add a customer' })
  @ApiZodBody(CreateCustomerSchema)
  @ApiCreatedResponse({ type: CustomerDto })
  @ApiConflictResponse({ description: 'The address belongs to another customer' })
  async create(
    @Body(new ZodValidationPipe(CreateCustomerSchema)) input: CreateCustomerInput,
    @CurrentTenant() tenantId: string,
  ): Promise<CustomerDto> {
    return this.customers.create(tenantId, input);
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change name or address' })
  @ApiZodBody(UpdateCustomerSchema)
  @ApiOkResponse({ type: CustomerDto })
  async update(
    @Param('id', ParseUUIDPipe) id: string,
    @Body(new ZodValidationPipe(UpdateCustomerSchema)) input: UpdateCustomerInput,
    @CurrentTenant() tenantId: string,
  ): Promise<CustomerDto> {
    return this.customers.update(tenantId, id, input);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Archive a customer' })
  async archive(
    @Param('id', ParseUUIDPipe) id: string,
    @CurrentTenant() tenantId: string,
  ): Promise<void> {
    await this.customers.archive(tenantId, id);
  }

  @Get(':id/orders')
  @ApiOperation({ summary: 'Latest orders of a customer' })
  @ApiOkResponse({ type: [OrderDto] })
  @ApiNotFoundResponse({ description: 'No such customer' })
  async recentOrders(@Param('id', ParseUUIDPipe) id: string): Promise<OrderDto[]> {
    return this.customers.recentOrders(id);
  }
}
