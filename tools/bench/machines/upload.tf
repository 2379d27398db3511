# A service on one host, without a router: how much memory the provider takes for an artifact.

terraform {
  required_providers {
    deploy = {
      source = "progressive-delivery/deploy"
    }
  }
}

variable "world" {
  type = object({
    name     = string
    store    = string
    artifact = string
    blue     = number
    host     = object({ address = string, port = number, host_key = string })
  })
}

provider "deploy" {
  store = var.world.store
}

data "deploy_artifact" "upload" {
  file = var.world.artifact
}

resource "deploy_service" "upload" {
  name        = var.world.name
  environment = "production"

  platform = {
    host = {
      slots = { blue = { port = var.world.blue } }
      hosts = {
        a = {
          address = var.world.host.address
          ssh     = { address = var.world.host.address, port = var.world.host.port, user = "root", private_key = "key-a", host_key = var.world.host.host_key }
        }
      }
    }
  }
}

resource "deploy_release" "upload" {
  service = deploy_service.upload.id
  content = {
    version  = "1"
    artifact = data.deploy_artifact.upload.reference
    host     = { command = ["./instance"] }
  }
  health = {
    http             = { path = "/healthz" }
    interval         = "200ms"
    min_healthy_time = "1s"
  }
  deletion_protection = false
}

resource "deploy_finalization" "upload" {
  release = deploy_release.upload.release
}
