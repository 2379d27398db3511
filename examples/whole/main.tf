# All seven steps of one service on this machine, behind Caddy.

terraform {
  required_version = ">= 1.8" # functions of providers

  required_providers {
    deploy = { source = "progressive-delivery/deploy" }
  }
}

provider "deploy" {
  store      = var.store
  run_budget = "2h"
  credentials = {
    orders_db = var.orders_db_password
    team_chat = var.chat_webhook
  }
}

locals {
  # The content: what a release is. How it is introduced stands in the stages below.
  web = {
    version  = var.web_version
    artifact = data.deploy_artifact.web.reference
    config   = { LOG_LEVEL = "info" }
    secrets  = { DATABASE_PASSWORD = "orders_db" }
    host     = { command = ["./web"] }
  }
}

resource "deploy_service" "web" {
  name        = "web"
  environment = "production"

  platform = {
    host = {
      directory     = var.directory
      drain_timeout = "30s"
      slots = {
        blue  = { ports = [8081, 8083] } # two instances each
        green = { ports = [8082, 8084] }
      }
      log = { max_size = 20, max_files = 5 }
    }
  }

  router = {
    caddy = {
      share_file    = "/var/lib/caddy/web.share"
      admin         = "http://localhost:2019"
      drain_timeout = "20s"
    }
  }

  metrics = {
    # Requests and latency are read from the instances, as new as a look; numbers of the business from the server.
    scrape     = { path = "/metrics", requests = "http_requests_total", duration = "http_request_duration_seconds" }
    prometheus = { url = "http://localhost:9090" }
  }

  notify = {
    team = { url = "team_chat", on = ["started", "succeeded", "rolled_back", "restore_failed"] }
  }
}

data "deploy_artifact" "web" {
  service = "production/web" # a plain string: a reference would put this off to the apply
  file    = "dist/web.tar.gz"
  require = {
    passed_in = { service = "staging/web" }
  }
}

# 1 prepare
resource "deploy_preflight" "web" {
  service = deploy_service.web.id
  release = provider::deploy::release_id(deploy_service.web.id, local.web)
  content = local.web

  requires = {
    config   = ["LOG_LEVEL"]
    services = { "production/orders" = ">= 2.3.0" }
  }

  checks = {
    router   = { tcp = { address = "127.0.0.1:8080" } }
    database = { sql = { url = var.database_url, password = "orders_db", query = "select 1" } }
  }
  window = {
    allow    = ["Mon-Thu 09:00-16:00"]
    timezone = "Europe/Amsterdam"
    freezes  = ["2026-12-20/2027-01-03"]
  }
  valid_for = "1h"
}

# 2 checkpoint
resource "deploy_checkpoint" "web" {
  service = deploy_service.web.id
  release = deploy_preflight.web.release

  backups = {
    uploads = { files = { path = "/srv/uploads" }, on_restore = "keep" }
    flags = {
      command = {
        save    = ["/usr/local/bin/flags", "export"]
        restore = ["/usr/local/bin/flags", "import"]
        timeout = "1m"
      }
      on_restore = "discard"
    }
  }
  retain = 10
}

# 3 execute
resource "deploy_release" "web" {
  service    = deploy_service.web.id
  checkpoint = deploy_checkpoint.web.id
  content    = local.web

  health = {
    http              = { path = "/healthz" }
    min_healthy_time  = "10s"
    healthy_deadline  = "5m"
    progress_deadline = "10m"
  }
  max_attempts        = 3
  deletion_protection = true
}

# 4 smoke test: against the candidate, before it takes any traffic
resource "deploy_smoke_test" "web" {
  release = deploy_release.web.release

  checks = {
    home     = { http = { path = "/", status = [200], max_latency = "300ms" } }
    database = { sql = { url = var.database_url, password = "orders_db", query = "select 1", expect = "1" } }
    payments = { http = { url = "https://sandbox.pay.example/health", retries = 2 } }
    checkout = { command = { argv = ["./checkout-flow.sh"], junit = "report.xml", timeout = "2m" } }
    logs     = { logs = { deny = ["panic:", "ERROR"], max = 0 } }
  }
}

# 5 shift traffic
resource "deploy_traffic_split" "web" {
  release = deploy_smoke_test.web.release
  weight  = 100
  steps = [
    { weight = 5, pause = "2m" },
    { weight = 25, pause = "5m" },
    { weight = 50, pause = "5m" },
  ]

  # A step goes on after its pause, when enough was seen; "when_confident": as soon as enough was seen.
  advance = "after_pause"

  analysis = {
    interval      = "1s"
    initial_delay = "15s" # after each raise of weight: caches are cold
    confidence    = 0.99  # of all judgements of a release together

    errors = {
      max_rate                  = 0.05
      consecutive_failure_limit = 10   # looks in a row above max_rate
      margin                    = 0.03 # the plan says how many requests that takes, in `judgement`
    }
    latency = { threshold = "500ms", max_ratio = 0.05, margin = 0.05 }

    business = {
      orders = {
        query             = "orders_total{instance=~\"{{instances}}\"}" # the increase is taken series by series
        versus_stable_min = 0.95
      }
      queue = {
        query   = "queue_depth{instance=~\"{{instances}}\"}"
        type    = "gauge"
        max     = 1000
        dry_run = true # told, and decides nothing
      }
    }

    min_requests          = 100
    min_bad               = 3
    burst_window          = "2s"
    max_pause             = "10m"
    on_no_data            = "wait"
    on_source_error       = "pause"
    source_error_deadline = "1m"
    on_shared_fault       = "wait"
    on_inconclusive       = "pause"
  }

  # At night, when there is little traffic, these count as requests.
  checks         = { home = { http = { path = "/", status = [200] } } }
  check_interval = "10s"
}

# 6 verify: at 100 %, the old release still runs
resource "deploy_verification" "web" {
  release = deploy_traffic_split.web.promoted

  checks = {
    integration = { command = { argv = ["./integration-tests.sh"], junit = "integration.xml" } }
    queue       = { metric = { name = "queue_depth", max = 1000 } }
  }
  analysis = {
    errors    = { max_rate = 0.02 }
    max_pause = "5m"
  }
  duration = "1m"
}

# 7 finalize
resource "deploy_finalization" "web" {
  release       = deploy_verification.web.release
  bake_time     = "10m"
  keep_previous = 1
}

# The id of the release that was finalized, not of the one that is wanted.
output "finalized" {
  value = deploy_finalization.web.finalized
}
