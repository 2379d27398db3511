variable "web_version" {
  description = "The version that is wanted."
  type        = string
}

variable "store" {
  description = "The store that staging and production share."
  type        = string
  default     = "file:///srv/deploy-store"
}

variable "directory" {
  description = "Where releases are unpacked and run."
  type        = string
  default     = "/srv/staging/web"
}

variable "port" {
  description = "Port that the instance listens on."
  type        = number
  default     = 8090
}

variable "deletion_protection" {
  description = "While true, no plan may destroy the release that runs."
  type        = bool
  default     = true
}
