# The service of examples/demo on three machines behind two HAProxy. `make demo-machines` applies this again and again, with
# nothing but web_version changed, while a client keeps sending requests through both HAProxy.

provider "deploy" {
  store = var.store
  # The credential deploy_key, a private key, comes from the environment: DEPLOY_CREDENTIAL_DEPLOY_KEY.
}

locals {
  # The releases of the story. They share a program and differ in their config, which is part of a release's content:
  # so each has an id of its own.
  releases = {
    v1 = { GREETING = "hello" }
    v2 = { GREETING = "good morning" }
    v3 = { GREETING = "good day", FAULT = "never-healthy" }
    v4 = { GREETING = "good afternoon", FAULT = "broken-checkout" }
    # Three of ten users get a 500, once an instance has served ten: no probe and no smoke test sees that, only traffic does.
    v5 = { GREETING = "good evening", FAULT = "fails-under-traffic", FAULT_SHARE = "0.3", FAULT_AFTER = "10" }
    v6 = { GREETING = "good night" }
    v7 = { GREETING = "welcome" }
    v8 = { GREETING = "welcome back" }
  }

  # The content: what a release is. Its id follows from it, and is known in the plan.
  web = {
    version  = var.web_version
    artifact = data.deploy_artifact.web.reference
    config   = local.releases[var.web_version]
    host     = { command = ["./web"] }
  }

  # How to log in to each machine: one key for all, and the key that the machine itself must have.
  logins = {
    for name, machine in merge(var.hosts, var.routers) : name => {
      address     = machine.address
      port        = machine.port
      host_key    = machine.host_key
      user        = "deploy"
      private_key = "deploy_key"
    }
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
      hosts = { for name in keys(var.hosts) : name => { ssh = local.logins[name] } }
      slots = {
        blue  = { port = var.ports.blue }
        green = { port = var.ports.green }
      }
      systemd      = { sudo = true } # what deploy may do by sudo: examples/machines/files/sudoers.d/deploy
      max_parallel = 2
    }
  }
  router = {
    haproxy = {
      backend    = "web"
      state_file = "/var/lib/haproxy-state/servers"
      # Its servers are found by their names: blue-a, blue-b, blue-c, green-a and so on.
      nodes = { for name in keys(var.routers) : name => { socket = "/run/haproxy/admin.sock", ssh = local.logins[name] } }
    }
  }
  metrics = { haproxy = {} } # what HAProxy counts of its servers: nothing is asked of the instances
}

# 1 prepare: is the environment fit for a release?
resource "deploy_preflight" "web" {
  service  = deploy_service.web.id
  release  = provider::deploy::release_id(deploy_service.web.id, local.web)
  requires = { config = ["GREETING"] }
  checks = {
    for name, machine in var.routers : "router_${name}" => { tcp = { address = "${machine.address}:${var.ports.users}" } }
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
    timeout           = "10s" # a look at the host is in it, which asks systemd whose answer it was
    min_healthy_time  = "1s"
    healthy_deadline  = "10s"
    progress_deadline = "40s"
  }
  max_attempts        = 3
  deletion_protection = var.deletion_protection
}

# 4 smoke test: the candidate itself is asked, before it has any user.
resource "deploy_smoke_test" "web" {
  release = deploy_release.web.release
  checks = {
    home     = { http = { path = "/", status = [200], max_latency = "2s" } }
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
    interval     = "1s"
    errors       = { max_rate = 0.05, versus_stable = true, margin = 0.05 }
    min_requests = 40
    max_pause    = "30s"
  }
}

# 6 verify: everything is on the new release, and the old one still runs.
resource "deploy_verification" "web" {
  release = deploy_traffic_split.web.promoted
  checks = {
    for name, machine in var.routers : "entrance_${name}" => {
      http = { url = "http://${machine.address}:${var.ports.users}/", json = { "$.version" = var.web_version } }
    }
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
