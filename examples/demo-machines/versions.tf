terraform {
  required_version = ">= 1.8" # functions of providers

  required_providers {
    deploy = {
      source = "progressive-delivery/deploy"
    }
  }
}
