# Production: takes the version and the artifact that staging runs.

terraform {
  required_providers {
    deploy = { source = "progressive-delivery/deploy" }
  }
}

provider "deploy" {
  store = var.store
}

data "deploy_release" "staging" {
  service = "staging/web"
}

data "deploy_artifact" "web" {
  service = "production/web" # a plain string: a reference would put this off to the apply
  file    = "dist/web.tar.gz"
  require = {
    # The file is the very one that was finalized in staging, or there is no plan.
    passed_in = { service = "staging/web" }
  }
}

resource "deploy_service" "web" {
  name        = "web"
  environment = "production"
  platform    = { host = { slots = { blue = { port = 8081 }, green = { port = 8082 } } } }
}

resource "deploy_release" "web" {
  service = deploy_service.web.id
  content = {
    version  = data.deploy_release.staging.version
    artifact = data.deploy_artifact.web.reference
    host     = { command = ["./web"] }
  }
}

resource "deploy_finalization" "web" {
  release   = deploy_release.web.release
  bake_time = "10m"
}

output "finalized" {
  value = deploy_finalization.web.finalized
}
