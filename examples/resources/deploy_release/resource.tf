locals {
  # What the release is. Its id follows from this and from the service alone.
  web = {
    version  = "1.8.2"
    artifact = data.deploy_artifact.web.reference
    config   = { LOG_LEVEL = "info" }
    secrets  = { DATABASE_PASSWORD = "orders_db" }
    host     = { command = ["./web"] }
  }
}

resource "deploy_release" "web" {
  service    = deploy_service.web.id
  checkpoint = deploy_checkpoint.web.id
  content    = local.web

  # How it is introduced is no part of what it is: a change of this alone deploys nothing.
  health = {
    http              = { path = "/healthz" }
    min_healthy_time  = "10s"
    healthy_deadline  = "5m"
    progress_deadline = "10m"
  }
}
