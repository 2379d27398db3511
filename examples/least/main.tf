# The least: one program on this machine. Without a router a new version takes the place of the old one, and without a
# second slot that interrupts it.

terraform {
  required_providers {
    deploy = { source = "progressive-delivery/deploy" }
  }
}

data "deploy_artifact" "web" { file = "web" }

resource "deploy_service" "web" {
  name        = "web"
  environment = "production"
  platform    = { host = { slots = { blue = { port = 8080 } } } }
}

resource "deploy_release" "web" {
  service = deploy_service.web.id
  content = {
    version  = "1.8.2"
    artifact = data.deploy_artifact.web.reference
    host     = { command = ["./web"] }
  }
}
