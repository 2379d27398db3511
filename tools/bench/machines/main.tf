# The service of the benchmark: three hosts behind two of HAProxy.

terraform {
  required_providers {
    deploy = {
      source = "progressive-delivery/deploy"
    }
  }
}

variable "version_number" {
  type = string
}

variable "steps" {
  type    = list(object({ weight = number, pause = string }))
  default = []
}

variable "judged" {
  description = "Whether the release is judged by HAProxy's counters."
  type        = bool
  default     = false
}

variable "world" {
  type = object({
    store     = string
    artifact  = string
    blue      = number
    green     = number
    hosts     = map(object({ address = string, port = number, host_key = string }))
    balancers = map(object({ address = string, port = number, host_key = string }))
  })
}

provider "deploy" {
  store = var.world.store
}

data "deploy_artifact" "web" {
  file = var.world.artifact
}

resource "deploy_service" "web" {
  name        = "web"
  environment = "production"

  platform = {
    host = {
      slots = {
        blue  = { port = var.world.blue }
        green = { port = var.world.green }
      }
      hosts = {
        for name, h in var.world.hosts : name => {
          address = h.address
          ssh     = { address = h.address, port = h.port, user = "root", private_key = "key-${name}", host_key = h.host_key }
        }
      }
      max_parallel = length(var.world.hosts)
    }
  }
  router = {
    haproxy = {
      backend    = "web"
      state_file = "/var/lib/haproxy/server-state"
      nodes = {
        for name, h in var.world.balancers : name => {
          socket = "/run/haproxy/admin.sock"
          ssh    = { address = h.address, port = h.port, user = "root", private_key = "key-${name}", host_key = h.host_key }
        }
      }
    }
  }
  metrics = { haproxy = {} }
}

resource "deploy_release" "web" {
  service = deploy_service.web.id
  content = {
    version  = var.version_number
    artifact = data.deploy_artifact.web.reference
    host     = { command = ["./instance"] }
  }
  health = {
    http             = { path = "/healthz" }
    interval         = "200ms"
    min_healthy_time = "1s"
  }
  deletion_protection = false
}

resource "deploy_traffic_split" "web" {
  release  = deploy_release.web.release
  weight   = 100
  steps    = var.steps
  analysis = var.judged ? { interval = "500ms", errors = { versus_stable = true }, max_pause = "1m" } : null
}

resource "deploy_finalization" "web" {
  release = deploy_traffic_split.web.promoted
}
