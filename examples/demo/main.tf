# One service, all seven steps. `make demo` applies this again and again, with nothing but web_version changed, while
# a client keeps sending requests through Caddy.

provider "deploy" {
  store = var.store
}

locals {
  # The releases of the story. They share a program and differ in their config, which is part of a release's content:
  # so each has an id of its own.
  releases = {
    v1 = { GREETING = "hello" }
    v2 = { GREETING = "good morning" }
    v3 = { GREETING = "good day", FAULT = "never-healthy" }
    v4 = { GREETING = "good afternoon", FAULT = "broken-checkout" }
    # Three of ten users get a 500, once thirty were served: no probe and no smoke test sees that, only traffic does.
    v5 = { GREETING = "good evening", FAULT = "fails-under-traffic", FAULT_SHARE = "0.3", FAULT_AFTER = "30" }
    v6 = { GREETING = "good night" }
  }

  # The content: what a release is. Its id follows from it, and is known in the plan.
  web = {
    version  = var.web_version
    artifact = data.deploy_artifact.web.reference
    config   = local.releases[var.web_version]
    host     = { command = ["./web"] }
  }
}

data "deploy_artifact" "web" {
  file = var.artifact
}

# Where it runs, what splits its traffic, what it is judged by.
resource "deploy_service" "web" {
  name        = "web"
  environment = "production"

  platform = {
    host = {
      directory = var.directory
      slots = {
        blue  = { port = var.ports.blue }
        green = { port = var.ports.green }
      }
    }
  }
  router  = { caddy = { share_file = var.share_file, admin = var.admin } }
  metrics = { scrape = {} } # the instances' own /metrics, under the usual names
}

# 1 prepare: is the environment fit for a release?
resource "deploy_preflight" "web" {
  service  = deploy_service.web.id
  release  = provider::deploy::release_id(deploy_service.web.id, local.web)
  requires = { config = ["GREETING"] }
  checks = {
    router = { tcp = { address = "127.0.0.1:${var.ports.router}" } }
  }
}

# 2 checkpoint: what a failure goes back to. Backups of data would stand here.
resource "deploy_checkpoint" "web" {
  service = deploy_service.web.id
  release = deploy_preflight.web.release
}

# 3 execute: the new instances run beside the old ones, without traffic.
resource "deploy_release" "web" {
  service    = deploy_service.web.id
  checkpoint = deploy_checkpoint.web.id
  content    = local.web
  health = {
    http              = { path = "/healthz" }
    min_healthy_time  = "1s"
    healthy_deadline  = "5s"
    progress_deadline = "10s"
  }
  max_attempts        = 3
  deletion_protection = var.deletion_protection
}

# 4 smoke test: the candidate itself is asked, before it has any user.
resource "deploy_smoke_test" "web" {
  release = deploy_release.web.release
  checks = {
    home     = { http = { path = "/", status = [200], max_latency = "500ms" } }
    checkout = { http = { path = "/checkout", status = [200], json = { "$.status" = "paid" } } }
    logs     = { logs = { deny = ["panic:", "ERROR"], max = 0 } }
  }
}

# 5 shift traffic: in steps, judged all the time. A real service would pause for minutes.
resource "deploy_traffic_split" "web" {
  release = deploy_smoke_test.web.release
  weight  = 100
  steps = [
    { weight = 10, pause = "3s" },
    { weight = 50, pause = "3s" },
  ]
  analysis = {
    interval     = "500ms"
    errors       = { max_rate = 0.05, versus_stable = true, margin = 0.05 }
    latency      = { threshold = "250ms", max_ratio = 0.05, versus_stable = true }
    min_requests = 40
    max_pause    = "30s"
  }
}

# 6 verify: everything is on the new release, and the old one still runs.
resource "deploy_verification" "web" {
  release = deploy_traffic_split.web.promoted
  checks = {
    entrance = { http = { url = "http://127.0.0.1:${var.ports.router}/", json = { "$.version" = var.web_version } } }
  }
}

# 7 finalize: judged a little longer, then the old release is stopped, and kept ready for a rollback in a moment.
resource "deploy_finalization" "web" {
  release       = deploy_verification.web.release
  bake_time     = "2s"
  keep_previous = 1
}

# The release that was finalized: unlike its id, which is known before anything ran, this is never a claim too early.
output "finalized" {
  value = deploy_finalization.web.finalized
}
