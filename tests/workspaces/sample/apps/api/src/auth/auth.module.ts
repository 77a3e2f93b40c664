import { type DynamicModule, Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { AuthController } from './auth.controller';
import { AuthService } from './auth.service';
import { JwtAuthGuard } from './jwt-auth.guard';

@Module({})
export class AuthModule {
  static forRoot(secret: string): DynamicModule {
    return {
      module: AuthModule,
      global: true,
      imports: [JwtModule.register({ secret, signOptions: { expiresIn: '15m' } })],
      controllers: [AuthController],
      providers: [AuthService, JwtAuthGuard],
      exports: [JwtAuthGuard, JwtModule],
    };
  }
}
