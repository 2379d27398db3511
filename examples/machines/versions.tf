terraform {
  required_version = ">= 1.10" # ephemeral variables; without them, 1.8

  required_providers {
    deploy = { source = "progressive-delivery/deploy" }
  }
}
