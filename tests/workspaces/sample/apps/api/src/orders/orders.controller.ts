import {
  Body,
  Controller,
  Get,
  HttpCode,
  Param,
  ParseUUIDPipe,
  Patch,
  Post,
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
import { ApiCommonErrors, ApiZodBody } from '../shared/openapi';
import { ZodValidationPipe } from '../shared/zod-validation.pipe';
import { OrderDto } from './order.dto';
import {
  type AnnotateOrderInput,
  AnnotateOrderSchema,
  type CreateOrderInput,
  CreateOrderSchema,
} from './orders.schemas';
import { OrdersService } from './orders.service';

@ApiTags('orders')
@ApiBearerAuth()
@ApiCommonErrors()
@Controller('orders')
@UseGuards(JwtAuthGuard)
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Get()
  @ApiOperation({ summary: 'List orders, newest first' })
  @ApiOkResponse({ type: [OrderDto] })
  async findAll(@CurrentTenant() tenantId: string): Promise<OrderDto[]> {
    return this.orders.findAll(tenantId);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read one order' })
  @ApiOkResponse({ type: OrderDto })
  @ApiNotFoundResponse({ description: 'No such order' })
  async findOne(
    @Param('id', ParseUUIDPipe) id: string,
    @CurrentTenant() tenantId: string,
  ): Promise<OrderDto> {
    return this.orders.findOne(tenantId, id);
  }

  @Post()
  @ApiOperation({ summary: 'Place an order at list prices' })
  @ApiZodBody(CreateOrderSchema)
  @ApiCreatedResponse({ type: OrderDto })
  async create(
    @Body() input: CreateOrderInput,
    @CurrentTenant() tenantId: string,
  ): Promise<OrderDto> {
    return this.orders.create(tenantId, input);
  }

  @Post(':id/confirm')
  @HttpCode(200)
  @ApiOperation({ summary: 'Promise the goods to the customer' })
  @ApiOkResponse({ type: OrderDto })
  @ApiConflictResponse({ description: 'The order is not open' })
  async confirm(
    @Param('id', ParseUUIDPipe) id: string,
    @CurrentTenant() tenantId: string,
  ): Promise<OrderDto> {
    return this.orders.confirm(tenantId, id);
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @ApiOperation({ summary: 'Cancel an order that has not been shipped' })
  @ApiOkResponse({ type: OrderDto })
  async cancel(
    @Param('id', ParseUUIDPipe) id: string,
    @CurrentTenant() tenantId: string,
  ): Promise<OrderDto> {
    return this.orders.cancel(tenantId, id);
  }

  @Post(':id/reopen')
  @HttpCode(200)
  async reopen(
    @Param('id', ParseUUIDPipe) id: string,
    @CurrentTenant() tenantId: string,
  ): Promise<OrderDto> {
    return this.orders.reopen(tenantId, id);
  }

  @Patch(':id/note')
  @ApiOperation({ summary: 'Set the note of an order' })
  @ApiZodBody(AnnotateOrderSchema)
  @ApiOkResponse({ type: OrderDto })
  async annotate(
    @Param('id', ParseUUIDPipe) id: string,
    @Body(new ZodValidationPipe(AnnotateOrderSchema)) { note }: AnnotateOrderInput,
    @CurrentTenant() tenantId: string,
  ): Promise<OrderDto> {
    return this.orders.annotate(tenantId, id, note);
  }
}
