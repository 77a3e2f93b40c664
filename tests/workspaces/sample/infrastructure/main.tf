variable "environment" {
  description = "Name of the environment, part of every resource name"
  type        = string
}

variable "api_replicas" {
  description = "How many copies of the API run"
  type        = number
  default     = 2
}

locals {
  api = {
    name        = "stockroom-api-${var.environment}"
    replicas    = var.api_replicas
    health_path = "/v1/health"
  }
}

output "api" {
  value = local.api
}
