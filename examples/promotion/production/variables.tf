variable "store" {
  description = "The store that staging and production share."
  type        = string
  default     = "file:///srv/deploy-store"
}
