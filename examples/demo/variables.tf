variable "web_version" {
  description = "The release that is wanted. This is the only thing that changes from one chapter of the demo to the next."
  type        = string
}

variable "artifact" {
  description = "The program that is released."
  type        = string
}

variable "store" {
  description = "Where the ledger, checkpoints and records are kept."
  type        = string
}

variable "directory" {
  description = "Where releases are unpacked and run on this machine."
  type        = string
}

variable "share_file" {
  description = "The file that Caddy reads the share of slot green from, for each request."
  type        = string
}

variable "admin" {
  description = "Caddy's admin API. It is only read."
  type        = string
}

variable "ports" {
  description = "Ports on this machine: of the router, which users ask, and of the two slots behind it."
  type        = object({ router = number, blue = number, green = number })
}

variable "deletion_protection" {
  description = "While true, no plan may destroy the release that runs."
  type        = bool
  default     = true
}
