# The service of the benchmark. Each run applies this with another number: 0 is the stable release, the others are candidates, each of
# which turns bad when a file of its own appears.

terraform {
  required_providers {
    deploy = {
      source = "progressive-delivery/deploy"
    }
  }
}

variable "run" {
  description = "Number of the run, 0 for the release that all are compared with."
  type        = number
}

variable "world" {
  description = "Where everything is on this machine. Without Prometheus's URL the instances are asked; without an interval it is the default."
  type = object({
    artifact   = string
    store      = string
    directory  = string
    commands   = string
    share_file = string
    admin      = string
    blue       = number
    green      = number
    prometheus = optional(string)
    interval   = optional(string)
  })
}

variable "deletion_protection" {
  type    = bool
  default = true
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
      directory = var.world.directory
      slots = {
        blue  = { port = var.world.blue }
        green = { port = var.world.green }
      }
    }
  }
  router = { caddy = { share_file = var.world.share_file, admin = var.world.admin } }
  metrics = {
    scrape     = var.world.prometheus == null ? {} : null
    prometheus = var.world.prometheus == null ? null : { url = var.world.prometheus }
  }
}

resource "deploy_release" "web" {
  service = deploy_service.web.id
  content = {
    version  = var.run == 0 ? "1.0.0" : "1.1.${var.run}"
    artifact = data.deploy_artifact.web.reference
    host     = { command = ["./web"] }
    config = {
      FAULT       = "fails-on-command"
      FAULT_SHARE = "0.5"
      FAULT_FILE  = "${var.world.commands}/${var.run}"
    }
  }
  health = {
    http             = { path = "/healthz" }
    min_healthy_time = "200ms"
  }
  deletion_protection = var.deletion_protection
}

resource "deploy_traffic_split" "web" {
  release = deploy_release.web.release
  weight  = 100
  steps   = [{ weight = 10, pause = "10m" }]
  analysis = {
    interval   = var.world.interval
    confidence = 0.99
    errors     = { versus_stable = true }
  }
}

resource "deploy_finalization" "web" {
  release = deploy_traffic_split.web.promoted
}
