terraform {
  required_version = ">= 1.8" # functions of providers

  required_providers {
    deploy = {
      source = "progressive-delivery/deploy"
    }
  }
}

variable "orders_db_password" {
  type      = string
  sensitive = true
}

variable "chat_webhook" {
  type      = string
  sensitive = true
}

variable "deploy_key" {
  type      = string
  sensitive = true
}

provider "deploy" {
  # Ledgers, checkpoints and records. Everyone who releases the services of this store reads and writes the same one.
  store      = "file:///srv/deploy-store"
  run_budget = "2h" # of all stages of a service together, at worst

  # The one place for secrets: everywhere else stand their names.
  credentials = {
    orders_db  = var.orders_db_password # or DEPLOY_CREDENTIAL_ORDERS_DB in the environment
    team_chat  = var.chat_webhook
    deploy_key = var.deploy_key # a private key for SSH
  }
}
