# Staging: what is finalized here may go to production.

terraform {
  required_providers {
    deploy = { source = "progressive-delivery/deploy" }
  }
}

provider "deploy" {
  store = var.store
}

data "deploy_artifact" "web" { file = "dist/web.tar.gz" }

resource "deploy_service" "web" {
  name        = "web"
  environment = "staging"
  platform = {
    host = {
      directory = var.directory
      slots     = { blue = { port = var.port } }
    }
  }
}

resource "deploy_release" "web" {
  service = deploy_service.web.id
  content = {
    version  = var.web_version
    artifact = data.deploy_artifact.web.reference
    host     = { command = ["./web"] }
  }
  health              = { http = { path = "/healthz" }, min_healthy_time = "1s", healthy_deadline = "1m" }
  deletion_protection = var.deletion_protection
}

resource "deploy_smoke_test" "web" {
  release = deploy_release.web.release
  checks = {
    home = { http = { path = "/", status = [200] } }
    logs = { logs = { deny = ["panic:", "ERROR"] } }
  }
}

resource "deploy_finalization" "web" {
  release = deploy_smoke_test.web.release
}

output "finalized" {
  value = deploy_finalization.web.finalized
}
