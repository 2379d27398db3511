# All seven steps of one service on three machines, behind two nodes of HAProxy. What the machines have for it is in files/:
# the guide on machines goes through them.

provider "deploy" {
  store      = var.store
  run_budget = "2h"
  credentials = {
    deploy_key  = var.deploy_key
    session_key = var.session_key
    team_chat   = var.chat_webhook
  }
}

locals {
  # The content: what a release is. How it is introduced stands in the stages below.
  web = {
    version  = var.web_version
    artifact = data.deploy_artifact.web.reference
    config   = { LOG_LEVEL = "info" }
    secrets  = { SESSION_KEY = "session_key" } # the name of a credential
    host     = { command = ["./web"] }
  }

  login = { user = "deploy", private_key = "deploy_key" }
}

data "deploy_artifact" "web" {
  file = "dist/web.tar.gz"
}

resource "deploy_service" "web" {
  name        = "web"
  environment = "production"

  platform = {
    host = {
      # As in haproxy.cfg: each host has one server a slot there.
      slots = {
        blue  = { port = 8081 }
        green = { port = 8082 }
      }
      hosts = {
        for name, host in var.hosts : name => {
          ssh = merge(local.login, { address = host.address, host_key = host.host_key })
        }
      }

      systemd = {
        sudo    = true          # files/sudoers.d/deploy says what that takes
        user    = "web"         # an account that may do nothing else
        secrets = "credentials" # a file for the instance: variables are inherited, and end up in dumps
        limits  = { MemoryMax = "512M", LimitNOFILE = "65536" }
        # What there is no attribute for: here, how much the journal takes in half a minute before it drops lines.
        drop_ins = { "10-log.conf" = "[Service]\nLogRateLimitBurst=20000\n" }
      }

      drain_timeout   = "30s" # longer than the longest request
      keep_releases   = 5     # files on each host, to go back to without an upload
      max_parallel    = 2     # the first two hosts come up together, and the third when they are healthy
      max_unavailable = 1     # counts only where a new instance takes an old one's place: with two slots none does
      reach           = "ssh" # the instances' ports are open to HAProxy alone
    }
  }

  router = {
    haproxy = {
      backend = "web" # servers blue-a … green-c: they belong to a slot by their names
      nodes = {
        for name, balancer in var.balancers : name => {
          socket = "/run/haproxy/admin.sock"
          ssh    = merge(local.login, { address = balancer.address, host_key = balancer.host_key })
        }
      }
      state_file    = "/var/lib/haproxy-state/servers" # a reload brings no old weights back
      drain_timeout = "20s"
    }
  }

  # Errors as users had them, connections that an instance refuses among them. HAProxy counts no slow requests: an instance's own
  # exposition does (`scrape = {}` beside it).
  metrics = { haproxy = {} }

  notify = {
    team = { url = "team_chat", on = ["rolled_back", "restore_failed"] }
  }
}

# 1 prepare: all hosts answer, have room and free ports; stable is whole, and has all of the traffic.
resource "deploy_preflight" "web" {
  service = deploy_service.web.id
  release = provider::deploy::release_id(deploy_service.web.id, local.web)
  content = local.web # so that the disks are looked at, too

  requires = { config = ["LOG_LEVEL"] }
  checks = {
    for name, balancer in var.balancers : "entrance-${name}" => { tcp = { address = "${balancer.address}:80" } }
  }
  window    = { allow = ["Mon-Thu 09:00-16:00"], timezone = "Europe/Amsterdam" }
  valid_for = "1h"
}

# 2 checkpoint: what a failure goes back to. Backups of data would stand here.
resource "deploy_checkpoint" "web" {
  service = deploy_service.web.id
  release = deploy_preflight.web.release
}

# 3 execute: host by host, in the slot that has no traffic, if HAProxy has a server for each instance.
resource "deploy_release" "web" {
  service    = deploy_service.web.id
  checkpoint = deploy_checkpoint.web.id
  content    = local.web
  health = {
    http              = { path = "/healthz" } # the path that HAProxy checks as well
    min_healthy_time  = "10s"
    healthy_deadline  = "2m"
    progress_deadline = "10m"
  }
  max_attempts        = 3
  deletion_protection = true
}

# 4 smoke test: each instance is asked, before it has users.
resource "deploy_smoke_test" "web" {
  release = deploy_release.web.release
  checks = {
    home = { http = { path = "/", status = [200], max_latency = "300ms" } }
    logs = { logs = { deny = ["panic:", "ERROR"] } } # from each host's journal
  }
}

# 5 shift traffic: on both nodes of HAProxy as one, judged by what they count.
resource "deploy_traffic_split" "web" {
  release = deploy_smoke_test.web.release
  weight  = 100
  steps = [
    { weight = 1, pause = "2m" },
    { weight = 10, pause = "5m" },
    { weight = 50, pause = "5m" },
  ]
  analysis = {
    errors = { max_rate = 0.05, versus_stable = true, margin = 0.03 }
    # HAProxy's mean of the last 1,024 response times, beside stable's: told, and decides nothing.
    business  = { response_time = { query = "rtime", type = "gauge", versus_stable_max = 1.5, dry_run = true } }
    max_pause = "15m" # 1 % of the traffic takes longer to show anything
  }
}

# 6 verify: with all of the traffic, from where users come in.
resource "deploy_verification" "web" {
  release = deploy_traffic_split.web.promoted
  checks = {
    for name, balancer in var.balancers : "entrance-${name}" => { http = { url = "http://${balancer.address}/" } }
  }
}

# 7 finalize: then the old units are stopped and disabled, and kept for a rollback.
resource "deploy_finalization" "web" {
  release       = deploy_verification.web.release
  bake_time     = "10m"
  keep_previous = 1
}

output "finalized" {
  value = deploy_finalization.web.finalized
}
