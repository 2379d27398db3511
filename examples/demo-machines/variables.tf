variable "web_version" {
  description = "The release that is wanted. This is the only thing that changes from one chapter of the demo to the next."
  type        = string
}

variable "artifact" {
  description = "The program that is released. It is static, so that it runs on the hosts whatever they have installed."
  type        = string
}

variable "store" {
  description = "Where the ledger, checkpoints and records are kept."
  type        = string
}

variable "hosts" {
  description = "Machines that instances run on, by name: how sshd is reached, and the public key that it must have."
  type        = map(object({ address = string, port = number, host_key = string }))
}

variable "routers" {
  description = "Machines that HAProxy runs on, likewise."
  type        = map(object({ address = string, port = number, host_key = string }))
}

variable "ports" {
  description = "Ports on each machine: of HAProxy, which users ask, and of the two slots behind it."
  type        = object({ users = number, blue = number, green = number })
}

variable "deletion_protection" {
  description = "While true, no plan may destroy the release that runs."
  type        = bool
  default     = true
}
